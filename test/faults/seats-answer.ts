import type { CallOptions, Client } from "@connectrpc/connect";
import { AccessDeniedReason, type SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

/** What a check of a customer's seats was answered, and from where. */
export interface SeatsAnswer {
  readonly source: string | null;
  readonly isFallback: boolean;
  readonly hasAccess: boolean;
  readonly limit: number | undefined;
  readonly usage: number | undefined;
  readonly reason: string | undefined;
}

export async function checkSeats(
  client: Client<typeof SidecarService>,
  customerId: string,
  options: CallOptions = {},
): Promise<SeatsAnswer> {
  let source: string | null = null;
  const answer = await client.getMeteredEntitlement(
    { customerId, featureId: "seats" },
    { ...options, onHeader: (headers) => (source = headers.get("x-entitlement-source")) },
  );
  return {
    source,
    isFallback: answer.isFallback,
    hasAccess: answer.hasAccess,
    limit: answer.entitlement?.usageLimit,
    usage: answer.entitlement?.currentUsage,
    reason: answer.accessDeniedReason === undefined ? undefined : AccessDeniedReason[answer.accessDeniedReason],
  };
}
