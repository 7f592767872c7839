# One static binary in an empty image.
#
#   docker build -t logagent .
#   docker run -v /var/log:/var/log:ro -v logagent:/var/lib/logagent \
#       -v ./agent.ini:/etc/logagent/agent.ini:ro --user 65532:4 logagent
#
# The group (4 is Debian's adm) has to be one that may read the logs.
FROM debian:bookworm AS build
WORKDIR /src
# First what the dependencies need, so that a change of the sources does not install them again.
COPY tools/deps.sh tools/
COPY third_party third_party/
RUN tools/deps.sh build
COPY . .
RUN cmake --preset release && cmake --build --preset release \
    && install -D build/release/logagent /out/logagent \
    && cp build/release/logagent.spdx.json /out/ \
    && mkdir -p /out/var/lib/logagent

FROM scratch
COPY --from=build /out/logagent /out/logagent.spdx.json /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build --chown=65532:65532 /out/var/lib/logagent /var/lib/logagent
USER 65532:65532
# For the agent; web and transfer give --addr what they listen on.
HEALTHCHECK --interval=10s --timeout=6s --start-period=5s CMD ["/logagent", "status", "--health"]
ENTRYPOINT ["/logagent"]
CMD ["agent", "-c", "/etc/logagent/agent.ini"]
