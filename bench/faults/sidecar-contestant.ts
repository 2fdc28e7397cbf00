import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { sidecarOn } from "../../test/builders/sidecar-on-emulator.js";
import type { SeatsAnswer, StartContestant } from "./contestant.js";

/** The sidecar with its default configuration, asked by a gRPC client. */
export const startSidecar: StartContestant = async (emulator, { cacheMaxBytes }) => {
  const sidecar = await sidecarOn(emulator, cacheMaxBytes === undefined ? {} : { CACHE_MAX_SIZE_BYTES: String(cacheMaxBytes) });
  const client = createClient(SidecarService, createGrpcTransport({ baseUrl: sidecar.baseUrl }));
  return {
    subscriptions: ["entitlementsUpdatedV2", "usageUpdatedV2", "packagePublished"],
    async seats(customerId): Promise<SeatsAnswer> {
      const { isFallback, entitlement } = await client.getMeteredEntitlement({ customerId, featureId: "seats" });
      return { limit: entitlement?.usageLimit, usage: entitlement?.currentUsage, isFallback };
    },
    async reportSeat() {
      await client.reportUsage({ customerId: "acme", featureId: "seats", value: 1 });
    },
    stop: () => sidecar.stop(),
  };
};
