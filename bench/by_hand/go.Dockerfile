FROM LANGUAGE_IMAGE AS build
COPY --chown=app:app go.mod ./
RUN go mod download
COPY --chown=app:app . ./
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /tmp/server .

FROM BASE_IMAGE
WORKDIR /app
COPY . ./
COPY --from=build /tmp/server /usr/local/bin/server
CMD ["server"]
