# The API as a small image. Build: docker build -t doorstep .
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /doorstep ./cmd/doorstep

FROM debian:bookworm-slim
# pg_dump and pg_restore serve doorstep backup and restore; the database itself
# runs elsewhere.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /data doorstep \
 && install -d -o doorstep -g doorstep -m 0711 /data
COPY --from=build /doorstep /usr/local/bin/doorstep
USER doorstep
VOLUME /data
ENV DOORSTEP_DATA=/data DOORSTEP_ADDR=0.0.0.0:8080 DOORSTEP_METRICS_ADDR=0.0.0.0:9090
EXPOSE 8080 9090
# SIGTERM ends requests and jobs within DOORSTEP_SHUTDOWN_TIMEOUT.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["/usr/local/bin/doorstep", "health"]
ENTRYPOINT ["doorstep"]
CMD ["serve"]
