import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  encodeEntitlementsV2,
  encodeOlderEntitlements,
} from "../../../../../src/adapters/emulator/encoding/encode-state.js";
import type { CustomerState } from "../../../../../src/domain/customer-state.js";
import { decideCredit } from "../../../../../src/domain/decision/decide-credit.js";
import { decideFeature } from "../../../../../src/domain/decision/decide-feature.js";
import type { CreditEntitlement } from "../../../../../src/domain/entitlement.js";
import { kindOfFeature } from "../../../../../src/domain/feature.js";
import { decodeEntitlementsState } from "../../../../../src/wire/decode-entitlements-state.js";
import { FEATURE_IDS, states, times } from "../../../../builders/arbitraries.js";
import { creditQuery, featureQuery } from "../../../../builders/queries.js";
import { boolean, stateWith, wallet } from "../../../../builders/states.js";

const NOTHING = { periodAnchor: undefined, periodStart: undefined, periodEnd: undefined, updatedAt: undefined };
const SUBJECT = { customerId: "c", resourceId: "r" };

/** Reads a state as a client does, from the text of an answer. */
function throughTheWire(entitlementsV2: readonly object[], state: CustomerState): CustomerState {
  const faults: string[] = [];
  const text = JSON.stringify({
    entitlementsState: { entitlementsV2, accessDeniedReason: state.accessDeniedReason ?? null },
  });
  const decoded = decodeEntitlementsState(JSON.parse(text), ({ message }) => faults.push(message));
  expect(faults).toEqual([]);
  return decoded;
}

/** All of a state that its checks and lists can depend on, without what a kind of feature does not have. */
function substance(state: CustomerState) {
  return {
    accessDeniedReason: state.accessDeniedReason,
    updatedAt: state.updatedAt,
    features: [...state.features()].map(({ feature, enumValues, ...terms }) => ({
      ...terms,
      ids: [feature.id, feature.featureType, kindOfFeature(feature)],
      enumValues: terms.kind === "enum" ? enumValues : [],
      usage: terms.kind === "metered" ? { ...NOTHING, ...state.featureUsage(feature.id) } : undefined,
    })),
    credits: [...state.credits()].map((wallet) => ({
      ...wallet.currency,
      ...wallet,
      usage: walletUsage(state, wallet),
    })),
  };
}

function walletUsage(state: CustomerState, { currency }: CreditEntitlement) {
  const { currentUsage, periodEnd, updatedAt } = state.creditUsage(currency.currencyId);
  return { currentUsage, periodEnd, updatedAt };
}

describe("what a client reads from the emulator", () => {
  it("is all that the state holds", () => {
    fc.assert(
      fc.property(states, times, (state, now) => {
        expect(substance(throughTheWire(encodeEntitlementsV2(state, now), state))).toEqual(substance(state));
      }),
    );
  });

  it("says of each entitlement whether it is granted", () => {
    fc.assert(
      fc.property(states, times, (state, now) => {
        for (const entitlement of encodeEntitlementsV2(state, now)) {
          const isGranted =
            "feature" in entitlement
              ? decideFeature(state, featureQuery(entitlement.feature.refId), now).hasAccess
              : decideCredit(state, creditQuery(entitlement.currency.currencyId)).hasAccess;
          expect(entitlement.isGranted).toBe(isGranted);
        }
      }),
    );
  });

  it("in the older shape denies by itself what a wallet cannot pay for", () => {
    fc.assert(
      fc.property(states, times, (state, now) => {
        const older = throughTheWire(encodeOlderEntitlements(SUBJECT, state, now), state);
        expect(older.creditCount).toBe(0);
        for (const featureId of FEATURE_IDS) {
          const [clients, own] = [older, state].map((each) => decideFeature(each, featureQuery(featureId), now));
          expect([clients?.hasAccess, clients?.accessDeniedReason]).toEqual([own?.hasAccess, own?.accessDeniedReason]);
        }
      }),
    );
  });

  it.each([
    { own: undefined, left: 1, received: null },
    { own: undefined, left: 0, received: "InsufficientCredits" },
    { own: "InsufficientCredits" as const, left: 1, received: null },
    { own: "InsufficientCredits" as const, left: 0, received: "InsufficientCredits" },
    { own: "Revoked" as const, left: 1, received: "Revoked" },
    { own: "Revoked" as const, left: 0, received: "Revoked" },
  ])(
    "in the older shape tells $received, where the feature says $own and $left credits are left",
    ({ own, left, received }) => {
      const paid = boolean({ creditRate: { amount: 1, currencyId: "credits" }, accessDeniedReason: own });
      const state = stateWith([paid], { credits: [wallet({ usageLimit: 10, used: 10 - left })] });
      const [older] = encodeOlderEntitlements(SUBJECT, state, 0);
      expect([older?.accessDeniedReason, older?.isGranted]).toEqual([received, received === null]);
    },
  );
});
