FROM LANGUAGE_IMAGE
COPY --chown=app:app Gemfile Gemfile.lock ./
RUN bundle install
COPY --chown=app:app . ./
CMD ["bundle", "exec", "ruby", "server.rb"]
