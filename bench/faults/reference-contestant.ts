import { API_KEY } from "../../test/builders/sidecar-on-emulator.js";
import { ReferenceClient } from "../../test/fixtures/reference-client/reference-client.js";
import { REDIS_ENVIRONMENT, type SeatsAnswer, type StartContestant } from "./contestant.js";

interface MeteredAnswer {
  readonly usageLimit?: number;
  readonly currentUsage?: number;
  readonly isFallback: boolean;
}

/** The published client with its default configuration, in a process of its own. */
export const startReference: StartContestant = async (emulator, { cacheMaxBytes, redis }) => {
  const client = await ReferenceClient.start({
    apiKey: API_KEY,
    baseUri: emulator.url,
    baseEdgeUri: emulator.url,
    wsUrl: emulator.wsUrl,
    ...(cacheMaxBytes === undefined ? {} : { memoryCacheMaxSizeBytes: cacheMaxBytes }),
    ...(redis === undefined ? {} : { redis: { ...redis, environmentPrefix: REDIS_ENVIRONMENT } }),
  });
  return {
    subscriptions:
      redis !== undefined ? [] : ["entitlementsUpdated", "usageUpdated", "packagePublished", "creditBalanceUpdated"],
    async seats(customerId, resourceId): Promise<SeatsAnswer> {
      const { usageLimit, currentUsage, isFallback } = await client.call<MeteredAnswer>("getMeteredEntitlement", {
        customerId,
        resourceId,
        featureId: "seats",
      });
      return { limit: usageLimit, usage: currentUsage, isFallback };
    },
    async reportSeat() {
      await client.call("reportUsage", { customerId: "acme", featureId: "seats", value: 1 });
    },
    stop: () => client.stop(),
  };
};
