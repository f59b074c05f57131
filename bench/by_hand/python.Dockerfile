FROM LANGUAGE_IMAGE
COPY --chown=app:app requirements.txt ./
RUN uv pip install -r requirements.txt
COPY --chown=app:app . ./
CMD gunicorn --bind 0.0.0.0:$PORT app:app
