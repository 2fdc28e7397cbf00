# Builds the service with everything a build needs, then keeps only what it needs to run.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY . .
RUN npm run build
RUN rm -rf node_modules && npm ci --omit=dev

FROM node:24-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY --from=build /build/schema ./schema
COPY --from=build /build/examples ./examples
USER node
EXPOSE 80 8443 8080
# Follows METRICS_PORT and HEALTH_ENDPOINT_URL, as the service does.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["node", "dist/bootstrap/healthcheck.js"]
ENTRYPOINT ["node", "dist/bootstrap/cli.js"]
CMD ["serve"]
