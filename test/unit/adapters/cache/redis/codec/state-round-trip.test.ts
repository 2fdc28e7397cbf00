import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { encodeState } from "../../../../../../src/adapters/cache/redis/codec/encode-state.js";
import type { StateTrust } from "../../../../../../src/adapters/cache/redis/codec/sidecar-record.js";
import { stateKey, timestampKey } from "../../../../../../src/adapters/cache/redis/store/redis-keys.js";
import { buildCustomerState } from "../../../../../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../../../../../src/domain/customer-state.js";
import {
  creditEntitlements,
  featureEntitlements,
  optional,
  reasons,
  states,
  times,
} from "../../../../../builders/arbitraries.js";
import { contentsOf } from "../../../../../builders/states.js";
import { ENVIRONMENT, KeptKeys } from "./stored-state.js";

/** Ids of any kind, among them those that mean something in an object, and those that an object moves to its front. */
const ids = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.constantFrom("__proto__", "constructor", "sidecar", "currentUsage", "7", "42"),
);
const trusts: fc.Arbitrary<StateTrust> = fc.record({
  verifiedAt: times,
  recheckAt: fc.oneof(times, fc.constant(Infinity)),
  isVerified: fc.boolean(),
  globalUpdatedAt: optional(times),
});
const awkwardStates = fc
  .record({
    features: fc.array(featureEntitlements(ids), { maxLength: 4 }),
    credits: fc
      .array(fc.tuple(creditEntitlements, ids), { maxLength: 3 })
      .map((list) => list.map(([credit, currencyId]) => ({ ...credit, currency: { ...credit.currency, currencyId } }))),
    accessDeniedReason: optional(reasons),
    updatedAt: optional(times),
  })
  .map(buildCustomerState);
const subjects = fc.record({ customerId: ids, resourceId: optional(ids) });

/** What is read of a state; of usages that nothing reads, their timestamp is not kept. */
function readContentsOf(state: CustomerState): unknown {
  const contents = contentsOf(state);
  for (const { entitlement, usage } of Object.values(contents.features)) {
    if (entitlement.kind !== "metered") delete (usage as { updatedAt?: number }).updatedAt;
  }
  return JSON.parse(JSON.stringify(contents)) as unknown;
}

describe("a state that was written", () => {
  it("is read as it was, with all that is known of it", () => {
    fc.assert(
      fc.property(subjects, fc.oneof(states, awkwardStates), trusts, (subject, state, trust) => {
        const kept = new KeptKeys().write(encodeState(ENVIRONMENT, subject, state, trust).writes);
        const stored = kept.state(subject);
        expect(stored).toMatchObject({ outcome: "found", trust });
        if (stored.outcome === "found") expect(readContentsOf(stored.state)).toEqual(readContentsOf(state));
      }),
    );
  });

  it("is never taken for another subject's", () => {
    fc.assert(
      fc.property(subjects, subjects, states, trusts, (one, other, state, trust) => {
        fc.pre(one.customerId !== other.customerId || one.resourceId !== other.resourceId);
        const kept = new KeptKeys().write(encodeState(ENVIRONMENT, one, state, trust).writes);
        expect(kept.state(other).outcome).toBe("missing");
      }),
    );
  });

  it.each([
    ["a customer", { customerId: "a:r_b" }, { customerId: "a", resourceId: "b" }],
    ["a resource", { customerId: "a", resourceId: "b" }, { customerId: "a:r_b" }],
    [
      "a resource whose id joins others",
      { customerId: "a", resourceId: "b:r_c" },
      { customerId: "a:r_b", resourceId: "c" },
    ],
  ])("is known to be of %s where another subject has the same key", (_, one, other) => {
    const trust = { verifiedAt: 1, recheckAt: Infinity, isVerified: true };
    for (const state of [
      buildCustomerState({ accessDeniedReason: "CustomerNotFound" }),
      buildCustomerState({ features: [{ feature: { id: "f", featureType: "BOOLEAN" } }], updatedAt: 5 }),
    ]) {
      const kept = new KeptKeys().write(encodeState(ENVIRONMENT, one, state, trust).writes);
      kept.set(timestampKey(stateKey(ENVIRONMENT, { customerId: one.customerId })), "0");
      expect(kept.state(one)).toMatchObject({ outcome: "found" });
      expect(kept.state(other)).toEqual({ outcome: "missing", reason: "of-another" });
    }
  });
});
