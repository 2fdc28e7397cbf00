import { describe, expect, it } from "@jest/globals";
import { decodeEntitlementsState } from "../../../src/wire/decode-entitlements-state.js";

const sso = { feature: { refId: "sso", featureType: "BOOLEAN" } };
const decode = (data: unknown) => decodeEntitlementsState(data, () => undefined);

describe("an answer", () => {
  it.each<[answer: string, entitlementsState: object, features: number, reason: string | undefined]>([
    ["with entitlements", { entitlementsV2: [sso], accessDeniedReason: null }, 1, undefined],
    ["of the older shape", { entitlements: [sso] }, 1, undefined],
    ["without entitlements and without a reason", { entitlementsV2: [] }, 0, undefined],
    [
      "that explains why it is empty",
      { entitlementsV2: [], accessDeniedReason: "NoActiveSubscription" },
      0,
      "NoActiveSubscription",
    ],
    [
      "that explains why it has no list",
      { entitlementsV2: null, accessDeniedReason: "CustomerNotFound" },
      0,
      "CustomerNotFound",
    ],
  ])("%s is a state", (_, entitlementsState, features, reason) => {
    const state = decode({ entitlementsState });
    expect([state.featureCount, state.accessDeniedReason]).toEqual([features, reason]);
  });

  it.each<[answer: string, data: unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["no state", {}],
    ["a null state", { entitlementsState: null }],
    ["no list and no reason", { entitlementsState: {} }],
    ["a list that is none", { entitlementsState: { entitlementsV2: {} } }],
    ["a reason that is none", { entitlementsState: { entitlementsV2: [], accessDeniedReason: {} } }],
    ["entitlements of which none is valid", { entitlementsState: { entitlementsV2: [{}] } }],
  ])("with %s is a failure, never a state", (_, data) => {
    expect(() => decode(data)).toThrow(
      expect.objectContaining({
        code: "internal",
        message: expect.stringMatching(/^upstream's answer cannot be read/),
      }),
    );
  });
});
