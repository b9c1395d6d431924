# make image builds the programs and then this: nothing is compiled here.
ARG BASE=debian:stable-slim
FROM ${BASE} AS tools
# kitops itself needs the CA certificates and no more; a shell, git and ssh are
# what actions usually call.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates git openssh-client tzdata \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/log/*.log /var/log/apt

# For actions that are programs of their own, in a layer on top: there is no shell.
FROM scratch AS scratch
ARG TARGETARCH=amd64
ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.title=kitops \
      org.opencontainers.image.description="Run commands when Git repositories change" \
      org.opencontainers.image.source=https://github.com/bittrance/kitops \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
COPY --from=tools /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY bin/linux-$TARGETARCH/kitops /usr/local/bin/kitops
ENV PATH=/usr/local/bin HOME=/root TMPDIR=/var/cache/kitops \
    KITOPS_STATE_FILE=/var/lib/kitops/state.yaml \
    KITOPS_REPO_DIR=/var/cache/kitops
VOLUME /var/lib/kitops /var/cache/kitops
WORKDIR /root
STOPSIGNAL SIGTERM
ENTRYPOINT ["kitops"]

# There is no tini: as PID 1 kitops collects orphans and ends its actions on SIGTERM.
# It stays root so that actions, which are another user, cannot read its key. Where it
# may not be root it is in root's group, as with Docker and OpenShift.
FROM tools
ARG TARGETARCH=amd64
ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.title=kitops \
      org.opencontainers.image.description="Run commands when Git repositories change" \
      org.opencontainers.image.source=https://github.com/bittrance/kitops \
      org.opencontainers.image.licenses=MIT \
      org.opencontainers.image.version=$VERSION \
      org.opencontainers.image.revision=$REVISION
RUN groupadd --gid 1000 kitops-actions \
 && useradd --uid 1000 --gid kitops-actions --create-home --shell /bin/sh kitops-actions \
 && install -d -m 0770 /var/lib/kitops \
 && install -d -m 0771 /var/cache/kitops
COPY bin/linux-$TARGETARCH/kitops /usr/local/bin/kitops

# The state must survive; the clones may be lost at any time. The health check asks
# at the port of KITOPS_LISTEN.
ENV HOME=/root \
    KITOPS_ACTION_USER=kitops-actions \
    KITOPS_LISTEN=127.0.0.1:8617 \
    KITOPS_STATE_FILE=/var/lib/kitops/state.yaml \
    KITOPS_REPO_DIR=/var/cache/kitops
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
    CMD ["bash", "-c", "[ -z \"$KITOPS_LISTEN\" ] || { exec 3<>/dev/tcp/127.0.0.1/${KITOPS_LISTEN##*:} && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && grep -q '^HTTP/1.[01] 200 ' <&3; }"]
VOLUME /var/lib/kitops /var/cache/kitops
WORKDIR /root
STOPSIGNAL SIGTERM
ENTRYPOINT ["kitops"]
