# docker build --build-arg VERSION=1.0.0 -t kitops .        (or: make image)
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /kitops ./cmd/kitops

FROM alpine:3
# kitops itself needs the CA certificates and no more; a shell, git and ssh are
# what actions usually call. There is no tini: as PID 1 kitops collects orphans
# and ends its actions on SIGTERM.
# It stays root so that actions, which are another user, cannot read its key.
RUN apk add --no-cache ca-certificates git openssh-client tzdata \
 && addgroup -g 1000 kitops-actions \
 && adduser -D -u 1000 -G kitops-actions kitops-actions \
 && install -d -m 0700 /var/lib/kitops \
 && install -d -m 0711 /var/cache/kitops
COPY --from=build /kitops /usr/local/bin/kitops

# The state must survive; the clones may be lost at any time.
ENV HOME=/root \
    KITOPS_ACTION_USER=kitops-actions \
    KITOPS_STATE_FILE=/var/lib/kitops/state.yaml \
    KITOPS_REPO_DIR=/var/cache/kitops
VOLUME /var/lib/kitops /var/cache/kitops
WORKDIR /root
STOPSIGNAL SIGTERM
ENTRYPOINT ["kitops"]
