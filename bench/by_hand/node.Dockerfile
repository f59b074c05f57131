FROM LANGUAGE_IMAGE
COPY --chown=app:app package.json package-lock.json ./
RUN npm ci
COPY --chown=app:app . ./
RUN npm run build && npm prune --omit=dev
CMD ["npm", "start"]
