import { describe, expect, it } from "@jest/globals";
import { encodeState } from "../../../../../../src/adapters/cache/redis/codec/encode-state.js";
import { buildCustomerState } from "../../../../../../src/domain/build-customer-state.js";
import { isUnknown } from "../../../../../../src/domain/customer-state.js";
import type { FieldFault } from "../../../../../../src/wire/fault-log.js";
import { boolean, emptyState, metered, stateWith, wallet } from "../../../../../builders/states.js";
import { ENVIRONMENT, KeptKeys } from "./stored-state.js";

const ACME = { customerId: "acme" };
const SITE = { customerId: "acme", resourceId: "site" };
const KEY = `${ENVIRONMENT}:c_acme`;
const TRUST = { verifiedAt: 1_000, recheckAt: Infinity, isVerified: true };

const SEATS = {
  calculatedEntitlement: {
    feature: { id: "seats", featureType: "NUMBER", meterType: "Fluctuating", units: "seat", unitsPlural: "" },
    usageLimit: 10,
    hasUnlimitedUsage: false,
    hasSoftLimit: false,
    enumValues: [],
  },
  featureUsage: { resetPeriod: null, resetPeriodConfiguration: null, currentUsage: 1 },
};
const SSO = {
  calculatedEntitlement: {
    feature: { id: "sso", featureType: "BOOLEAN", units: "", unitsPlural: "" },
    usageLimit: null,
    enumValues: [],
  },
  featureUsage: { currentUsage: 0 },
};

/** What the older clients write for a customer with seats. */
function seatsOfOthers(): KeptKeys {
  return new KeptKeys()
    .set(KEY, JSON.stringify({ seats: SEATS }), "500")
    .set(`${KEY}:f_seats`, '{"currentUsage":8}', "600");
}

function stateOfOthers(entitlements: object, timestamp = "500"): KeptKeys {
  return new KeptKeys().set(KEY, JSON.stringify(entitlements), timestamp);
}

function found(kept: KeptKeys, subject = ACME) {
  const stored = kept.state(subject);
  if (stored.outcome !== "found") throw new Error(`not found: ${JSON.stringify(stored)}`);
  return stored;
}

describe("a state that an older client wrote", () => {
  it("is read, with the usage that is kept beside it", () => {
    const { state, trust, isOutdated, usages } = found(seatsOfOthers());
    expect(state.feature("seats")).toMatchObject({
      kind: "metered",
      usageLimit: 10,
      feature: { units: "seat", unitsPlural: undefined },
    });
    expect(state.featureUsage("seats")).toMatchObject({ currentUsage: 8, updatedAt: 600 });
    expect(state.updatedAt).toBe(500);
    expect([trust, isOutdated, usages]).toEqual([undefined, false, [{ type: "feature", id: "seats" }]]);
  });

  it("has its resets and anchor in featureUsage", () => {
    const featureUsage = {
      resetPeriod: "MONTH",
      resetPeriodConfiguration: { monthlyAccordingTo: "StartOfTheMonth" },
      currentUsage: 1,
      usagePeriodAnchor: 100,
      usagePeriodEnd: 300,
    };
    const kept = seatsOfOthers().set(KEY, JSON.stringify({ seats: { ...SEATS, featureUsage } }));
    kept.set(`${KEY}:f_seats`, '{"currentUsage":8,"usagePeriodStart":200,"usagePeriodEnd":400}');
    const { state } = found(kept);
    expect(state.feature("seats")).toMatchObject({ resetPeriod: "MONTH", resetPeriodConfiguration: "StartOfTheMonth" });
    expect(state.featureUsage("seats")).toEqual({
      currentUsage: 8,
      periodAnchor: 100,
      periodStart: 200,
      periodEnd: 400,
      updatedAt: 600,
    });
  });

  it("may call the end of a period by its older name", () => {
    const kept = seatsOfOthers().set(`${KEY}:f_seats`, '{"currentUsage":8,"nextResetDate":400}');
    expect(found(kept).state.featureUsage("seats").periodEnd).toBe(400);
  });
});

describe("a state that a newer client wrote", () => {
  const calculated = {
    ...SEATS.calculatedEntitlement,
    type: "FEATURE",
    resetPeriod: "WEEK",
    resetPeriodConfiguration: { weeklyAccordingTo: "EverySunday" },
    usagePeriodAnchor: 150,
    somethingNew: [1],
  };

  it("has its resets and anchor in calculatedEntitlement", () => {
    const kept = seatsOfOthers().set(
      KEY,
      JSON.stringify({
        seats: { calculatedEntitlement: calculated, usageData: { currentUsage: 1, usagePeriodAnchor: 1 } },
      }),
    );
    const { state } = found(kept);
    expect(state.feature("seats")).toMatchObject({ resetPeriod: "WEEK", resetPeriodConfiguration: "EverySunday" });
    expect(state.featureUsage("seats").periodAnchor).toBe(150);
  });

  it("has wallets, and says in its metadata why the rest is missing", () => {
    const ink = {
      calculatedEntitlement: {
        type: "CREDIT",
        currency: { currencyId: "ink", displayName: "Ink" },
        usageLimit: 100,
        hasSoftLimit: true,
      },
    };
    const kept = stateOfOthers({ ink })
      .set(`${KEY}:credit_ink`, '{"currentUsage":40}', "700")
      .set(`${KEY}:metadata`, '{"accessDeniedReason":"NoActiveSubscription"}', "500");
    const { state } = found(kept);
    expect(state.credit("ink")).toMatchObject({
      usageLimit: 100,
      hasSoftLimit: true,
      currency: { displayName: "Ink" },
    });
    expect(state.creditUsage("ink")).toMatchObject({ currentUsage: 40, updatedAt: 700 });
    expect(state.accessDeniedReason).toBe("NoActiveSubscription");
  });

  it("may have entitlements of types that are not known here", () => {
    expect(
      found(stateOfOthers({ sso: SSO, tokens: { calculatedEntitlement: { type: "BUDGET" } } })).state.featureCount,
    ).toBe(1);
  });
});

describe("whether a state tells of wallets", () => {
  const ink = {
    calculatedEntitlement: { type: "CREDIT", currency: { currencyId: "ink", displayName: "Ink" }, usageLimit: 100 },
  };
  const ours = (includesWallets: boolean) =>
    new KeptKeys().write(
      encodeState(
        ENVIRONMENT,
        ACME,
        buildCustomerState({ features: [metered()], updatedAt: 500, includesWallets }),
        TRUST,
      ).writes,
    );
  const empty = () =>
    new KeptKeys().write(encodeState(ENVIRONMENT, ACME, emptyState("NoActiveSubscription"), TRUST).writes);
  const explained = '{"accessDeniedReason":"NoActiveSubscription"}';

  it.each<[that: string, kept: KeptKeys, tells: boolean]>([
    ["another client's does not where it has none: the older ones know none", seatsOfOthers(), false],
    [
      "another client's does where it has one",
      seatsOfOthers()
        .set(KEY, JSON.stringify({ seats: SEATS, ink }))
        .set(`${KEY}:credit_ink`, '{"currentUsage":40}', "700"),
      true,
    ],
    [
      "another client's does not where it is empty, whatever explains it",
      stateOfOthers({}, "0").set(`${KEY}:metadata`, explained, "0"),
      false,
    ],
    [
      "another client's does not where it took the place of one that did",
      ours(true).set(KEY, JSON.stringify({ seats: SEATS }), "500"),
      false,
    ],
    ["this project's does, also where it has none", ours(true), true],
    ["this project's does, also where it is empty", empty(), true],
    ["this project's does not where it was not notified of any", ours(false), false],
  ])("%s", (_, kept, tells) => expect(found(kept).state.includesWallets).toBe(tells));
});

describe("a state is not known", () => {
  it.each<[reason: string, why: string, KeptKeys]>([
    ["absent", "when nothing is there", new KeptKeys()],
    ["absent", "when the value is empty", new KeptKeys().set(KEY, "", "500")],
    ["unstamped", "without its timestamp", seatsOfOthers().delete(`${KEY}#timestamp`)],
    ["unstamped", "with a timestamp that is no number", seatsOfOthers().set(`${KEY}#timestamp`, "NaN")],
    ["unstamped", "with a timestamp that only begins like a number", seatsOfOthers().set(`${KEY}#timestamp`, "500 ms")],
    ["without-usage", "without the usage of a metered feature", seatsOfOthers().delete(`${KEY}:f_seats`)],
    ["without-usage", "without the timestamp of a usage", seatsOfOthers().delete(`${KEY}:f_seats#timestamp`)],
    [
      "without-usage",
      "with a timestamp of a usage that is no number",
      seatsOfOthers().set(`${KEY}:f_seats#timestamp`, "NaN"),
    ],
    ["unexplained", "empty and without metadata", stateOfOthers({}, "0")],
    [
      "unexplained",
      "empty and with metadata of another timestamp",
      stateOfOthers({}, "0").set(`${KEY}:metadata`, '{"accessDeniedReason":"NoActiveSubscription"}', "500"),
    ],
    [
      "of-another",
      "with entitlements of a resource",
      stateOfOthers({ sso: { ...SSO, calculatedEntitlement: { ...SSO.calculatedEntitlement, resourceId: "site" } } }),
    ],
    [
      "of-another",
      "with a usage of another",
      seatsOfOthers().set(`${KEY}:f_seats`, '{"sidecar":{"updatedAt":1,"customerId":"acm"},"currentUsage":8}'),
    ],
  ])("(%s) %s", (reason, _, kept) => {
    const faults: FieldFault[] = [];
    expect(kept.state(ACME, [], faults)).toEqual({ outcome: "missing", reason });
    expect(faults).toEqual([]);
  });

  it.each<[why: string, KeptKeys, fault: RegExp]>([
    ["no JSON", new KeptKeys().set(KEY, "{", "500"), /^state: expected JSON/],
    ["no object", new KeptKeys().set(KEY, "1700000000000", "500"), /^state: expected an object/],
    ["a member that is no entitlement", stateOfOthers({ sso: SSO, x: 1 }), /^state\.x: expected an object/],
    [
      "only types that are not known",
      stateOfOthers({ x: { calculatedEntitlement: { type: "BUDGET" } } }),
      /known type/,
    ],
    ["metadata that are no JSON", seatsOfOthers().set(`${KEY}:metadata`, "?", "500"), /^metadata: expected JSON/],
    ["a usage that is no JSON", seatsOfOthers().set(`${KEY}:f_seats`, "?"), /^usage: expected JSON/],
    [
      "a usage that is a state",
      seatsOfOthers().set(`${KEY}:f_seats`, JSON.stringify({ currentUsage: SSO })),
      /^usage\.currentUsage: expected a finite number/,
    ],
  ])("when it cannot be read, and it is told why: %s", (_, kept, fault) => {
    const faults: FieldFault[] = [];
    expect(kept.state(ACME, [], faults)).toEqual({ outcome: "missing", reason: "unreadable" });
    expect(faults.map(({ message }) => message)).toEqual([expect.stringMatching(fault)]);
  });

  it.each<[why: string, entitlement: object, fault: RegExp]>([
    ["it is to nothing", {}, /^state\.x\.calculatedEntitlement: /],
    [
      "its limit cannot be read",
      { calculatedEntitlement: { feature: { id: "x", featureType: "NUMBER" }, usageLimit: {} } },
      /usageLimit/,
    ],
    [
      "its reason cannot be read",
      { calculatedEntitlement: { feature: { id: "x", featureType: "BOOLEAN" }, accessDeniedReason: 5 } },
      /accessDeniedReason/,
    ],
  ])("but an entitlement alone is unknown where %s, and upstream is asked again", (_, entitlement, fault) => {
    const faults: FieldFault[] = [];
    const stored = stateOfOthers({ sso: SSO, x: entitlement }).state(ACME, [], faults);
    expect(stored).toMatchObject({ outcome: "found", isOutdated: true, state: { featureCount: 1 } });
    expect(stored.outcome === "found" && isUnknown(stored.state, "feature", "x")).toBe(true);
    expect(faults[0]?.message).toMatch(fault);
  });

  it("and a field alone where it does not decide", () => {
    const faults: FieldFault[] = [];
    const others = {
      calculatedEntitlement: {
        feature: { id: "x", featureType: "HOLOGRAM", units: 5 },
        resetPeriod: "QUARTER",
        validUntil: "soon",
      },
    };
    expect(stateOfOthers({ x: others }).state(ACME, [], faults)).toMatchObject({
      outcome: "found",
      isOutdated: false,
      state: { featureCount: 1, unknown: [] },
    });
    expect(faults).toHaveLength(4);
  });

  it("what this project could not read of upstream is as unknown to who reads it from Redis", () => {
    const unknown = [
      { type: "feature" as const, id: "q" },
      { type: "credit" as const, id: "" },
    ];
    for (const features of [[metered()], []]) {
      const state = buildCustomerState({ features, unknown, updatedAt: 500 });
      const kept = new KeptKeys().write(encodeState(ENVIRONMENT, ACME, state, TRUST).writes);
      expect(found(kept).state.unknown).toEqual(unknown);
    }
  });
});

describe("metadata", () => {
  const withMetadata = (timestamp: string) =>
    seatsOfOthers().set(`${KEY}:metadata`, '{"accessDeniedReason":"CustomerIsArchived"}', timestamp);

  it.each([
    ["of the same timestamp are the state's", "500", "CustomerIsArchived"],
    ["of a later timestamp are the state's", "501", "CustomerIsArchived"],
    // The older clients leave there what was said of a state before.
    ["of an earlier timestamp are not", "499", undefined],
    ["of an empty state before are not", "0", undefined],
  ])("%s", (_, timestamp, reason) => expect(found(withMetadata(timestamp)).state.accessDeniedReason).toBe(reason));

  it("explain an empty state, also where they say that there is no reason", () => {
    const kept = (reason: string | null) =>
      stateOfOthers({}, "0").set(`${KEY}:metadata`, JSON.stringify({ accessDeniedReason: reason }), "0");
    expect(found(kept("CustomerNotFound")).state.accessDeniedReason).toBe("CustomerNotFound");
    expect(found(kept(null)).state.accessDeniedReason).toBeUndefined();
  });

  it("lend an empty state their record, and any other state not", () => {
    const kept = new KeptKeys().write(encodeState(ENVIRONMENT, ACME, emptyState("CustomerNotFound"), TRUST).writes);
    expect(found(kept).trust).toEqual({ ...TRUST, globalUpdatedAt: undefined });
    kept.set(KEY, JSON.stringify({ sso: SSO }), "0");
    expect(found(kept).trust).toBeUndefined();
  });
});

describe("a resource's state", () => {
  const state = stateWith([boolean()], { updatedAt: 500 });
  const kept = (trust = TRUST) => new KeptKeys().write(encodeState(ENVIRONMENT, SITE, state, trust).writes);
  const isOutdated = (keys: KeptKeys) => found(keys, SITE).isOutdated;

  it.each([
    ["499", false],
    ["500", false],
    ["501", true],
    ["0", false],
    ["NaN", true],
  ])("of 500 beside a customer's own of %s: outdated %s", (timestamp, expected) => {
    expect(isOutdated(kept().set(`${KEY}#timestamp`, timestamp))).toBe(expected);
  });

  it("is outdated where the customer's own is not there", () => expect(isOutdated(kept())).toBe(true));

  it("is not outdated by what it is known to reckon with", () => {
    const reckoning = kept({ ...TRUST, globalUpdatedAt: 900 } as typeof TRUST);
    expect(isOutdated(reckoning.set(`${KEY}#timestamp`, "900"))).toBe(false);
    expect(isOutdated(reckoning.set(`${KEY}#timestamp`, "901"))).toBe(true);
  });
});

describe("reading with usages that were guessed", () => {
  const state = buildCustomerState({
    features: [metered({ id: "seats", usage: { currentUsage: 8, updatedAt: 5 } })],
    credits: [wallet({ currencyId: "ink" })],
    updatedAt: 5,
  });
  const kept = new KeptKeys().write(encodeState(ENVIRONMENT, ACME, state, TRUST).writes);

  it("takes one reading where all that are needed are among them", () => {
    const guess = [
      { type: "feature", id: "calls" },
      { type: "feature", id: "seats" },
      { type: "credit", id: "ink" },
    ] as const;
    expect(kept.readOnce(ACME, guess)).toMatchObject({ outcome: "found" });
  });

  it("says which are needed where one is not, a wallet for a feature of its name included", () => {
    const guess = [
      { type: "feature", id: "seats" },
      { type: "feature", id: "ink" },
    ] as const;
    expect(kept.readOnce(ACME, guess)).toEqual({
      outcome: "incomplete",
      usages: [
        { type: "feature", id: "seats" },
        { type: "credit", id: "ink" },
      ],
    });
  });
});
