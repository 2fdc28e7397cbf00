import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { sidecarOn } from "../../test/builders/sidecar-on-emulator.js";
import { REDIS_ENVIRONMENT, type SeatsAnswer, type StartContestant } from "./contestant.js";

/** The sidecar with its default configuration, asked by a gRPC client. */
export const startSidecar: StartContestant = async (emulator, { cacheMaxBytes, redis }) => {
  const sidecar = await sidecarOn(emulator, {
    ...(cacheMaxBytes === undefined ? {} : { CACHE_MAX_SIZE_BYTES: String(cacheMaxBytes) }),
    ...(redis === undefined
      ? {}
      : { REDIS_ENVIRONMENT_PREFIX: REDIS_ENVIRONMENT, REDIS_HOST: redis.host, REDIS_PORT: String(redis.port) }),
  });
  const client = createClient(SidecarService, createGrpcTransport({ baseUrl: sidecar.baseUrl }));
  return {
    subscriptions: redis !== undefined ? [] : ["entitlementsUpdatedV2", "usageUpdatedV2", "packagePublished"],
    async seats(customerId, resourceId): Promise<SeatsAnswer> {
      const { isFallback, entitlement } = await client.getMeteredEntitlement({
        customerId,
        resourceId,
        featureId: "seats",
      });
      return { limit: entitlement?.usageLimit, usage: entitlement?.currentUsage, isFallback };
    },
    async reportSeat() {
      await client.reportUsage({ customerId: "acme", featureId: "seats", value: 1 });
    },
    stop: () => sidecar.stop(),
  };
};
