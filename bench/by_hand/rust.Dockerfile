FROM LANGUAGE_IMAGE AS build
COPY --chown=app:app . ./
RUN cargo build --release --locked --target-dir /tmp/target

FROM BASE_IMAGE
COPY --from=build /tmp/target/release/hello /usr/local/bin/server
CMD ["server"]
