FROM LANGUAGE_IMAGE
COPY --chown=app:app public ./
