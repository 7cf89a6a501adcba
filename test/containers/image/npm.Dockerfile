# What docs/how-to/install.md tells the user of a node image.
FROM node:24-bookworm-slim
COPY reinit.tgz /tmp/
RUN npm install --global --ignore-scripts --offline /tmp/reinit.tgz
COPY reloader /bin/reloader
COPY reinit.yaml /etc/reinit.yaml
ENTRYPOINT ["reinit", "--"]
CMD ["/bin/reloader", "--env", "/etc/app/text"]
