# Without settings: a plain init. They are mounted where a test has some.
FROM reinit-test/debian
ARG STOP=SIGTERM
RUN rm /etc/reinit.yaml
STOPSIGNAL ${STOP}
