import { createRequire } from "node:module";
import type * as memoryCache from "../../src/adapters/cache/memory/memory-cache.js";
import type * as decide from "../../src/domain/decision/decide-feature.js";
import type * as telemetry from "../../src/ports/telemetry.js";
import type * as decode from "../../src/wire/decode-entitlements-state.js";
import { customerIdOf } from "../world/customers.js";
import { stateJsonOf } from "../world/state-json.js";

const load = createRequire(import.meta.url);
const BUILT = "../../dist";

/**
 * The parts that are measured, as they ship. Not through the module runner that runs the bench: its way from
 * module to module would be measured with them.
 */
export const { MemoryCache } = load(`${BUILT}/adapters/cache/memory/memory-cache.js`) as typeof memoryCache;
export const { decideFeature } = load(`${BUILT}/domain/decision/decide-feature.js`) as typeof decide;
const { newTelemetry } = load(`${BUILT}/ports/telemetry.js`) as typeof telemetry;
const { decodeEntitlementsState } = load(`${BUILT}/wire/decode-entitlements-state.js`) as typeof decode;

export type Cache = InstanceType<typeof MemoryCache>;

const UNBOUNDED_BYTES = 2 ** 40;

export function newCache(maxBytes = UNBOUNDED_BYTES): Cache {
  return new MemoryCache(maxBytes, newTelemetry());
}

/** A customer's state from upstream's own words, so that nothing of it is shared that would not be in service. */
export function stateOf(customer: number, isShared: boolean, now: Date) {
  const answer = JSON.parse(stateJsonOf(customer, isShared, now)) as { readonly data: unknown };
  return decodeEntitlementsState(answer.data, (fault) => {
    throw fault;
  });
}

export async function cacheCustomer(cache: Cache, customer: number, isShared: boolean, now: Date): Promise<void> {
  const verifiedAt = now.getTime() + customer;
  await cache.put(
    { customerId: freshIdOf(customer) },
    { state: stateOf(customer, isShared, now), verifiedAt, recheckAt: Infinity, isVerified: true },
  );
}

/** A text of its own, as a request brings it: not one that others were already found by. */
export function freshIdOf(customer: number): string {
  return Buffer.from(customerIdOf(customer)).toString("latin1");
}
