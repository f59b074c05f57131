FROM LANGUAGE_IMAGE AS build
USER root
RUN apt-get -q update && apt-get -q install -y --no-install-recommends composer && rm -rf /var/lib/apt/lists/*
USER app
COPY --chown=app:app composer.json ./
RUN composer install --no-dev --no-interaction --no-autoloader
COPY --chown=app:app . ./
RUN composer dump-autoload --no-dev --optimize

FROM LANGUAGE_IMAGE
COPY --from=build --chown=app:app /app ./
CMD ["portside-php", "public"]
