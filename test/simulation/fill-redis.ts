import { encodeState } from "../../src/adapters/cache/redis/codec/encode-state.js";
import { decodeEntitlementsState } from "../../src/wire/decode-entitlements-state.js";
import { ENVIRONMENT } from "./fleet.js";
import type { RedisServer } from "./servers/redis-server.js";
import type { Upstream } from "./servers/upstream.js";

/** Puts the states of all customers into Redis, as a fleet has it that has run for a while. */
export function fillRedis(server: RedisServer, upstream: Upstream, customers: number, now: number): void {
  const connection = server.connect({ push: () => undefined });
  for (let customer = 0; customer < customers; customer++) {
    if (upstream.sharesItsSlot(customer)) continue;
    const subject = { customerId: upstream.idOf(customer) };
    const state = decodeEntitlementsState({ entitlementsState: upstream.stateOf(customer) }, () => undefined);
    for (const { key, value, updatedAt = now } of encodeState(ENVIRONMENT, subject, state, {
      verifiedAt: now,
      recheckAt: Infinity,
      isVerified: true,
    }).writes) {
      server.execute(connection, ["SET", key, value]);
      server.execute(connection, ["SET", `${key}#timestamp`, String(updatedAt)]);
    }
  }
  server.disconnect(connection);
}
