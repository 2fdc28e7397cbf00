# Builds the service with everything a build needs, then keeps only what it needs to run.
# A release is built from this image by the digest that it has on that day (RELEASING.md).
ARG NODE_IMAGE=node:24-bookworm-slim
FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build
RUN rm -rf node_modules && npm ci --omit=dev

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/schema ./schema
COPY --from=build /build/examples ./examples
USER node
EXPOSE 80 8443 8080
# Follows METRICS_PORT, HEALTH_ENDPOINT_URL and LISTEN_HOST, as the service does, or PORT where the persistent-cache service runs.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["bash", "dist/healthcheck.sh"]
# Serves checks; with QUEUE_URL it is the persistent-cache service instead, as long as no command is given.
ENTRYPOINT ["node", "dist/bootstrap/cli.js"]
