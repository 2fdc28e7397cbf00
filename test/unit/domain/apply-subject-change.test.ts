import { describe, expect, it } from "@jest/globals";
import { applySubjectChange, type ChangeEffect, type SubjectChange } from "../../../src/domain/change.js";
import type { CustomerState } from "../../../src/domain/customer-state.js";
import type { AccessDeniedReason } from "../../../src/domain/decision/access-denied-reason.js";
import { decideFeature } from "../../../src/domain/decision/decide-feature.js";
import { featureQuery } from "../../builders/queries.js";
import { boolean, contentsOf, emptyState, metered, stateWith, wallet } from "../../builders/states.js";

const subject = { customerId: "c" };
const stored = stateWith([metered({ usage: { currentUsage: 4, updatedAt: 40 } })], {
  updatedAt: 10,
  credits: [wallet({ usage: { currentUsage: 60, updatedAt: 50 } })],
});

const entitlements = (state: CustomerState): SubjectChange => ({ type: "entitlements-updated", subject, state });

function storedBy(outcome: ChangeEffect): CustomerState {
  if (outcome.effect !== "replace" && outcome.effect !== "refine")
    throw new Error(`nothing was stored: ${outcome.effect}`);
  return outcome.state;
}

describe("entitlements updated", () => {
  it.each([undefined, stored])("with entitlements replaces the state", (before) => {
    const update = stateWith([boolean()], { updatedAt: 11 });
    expect(contentsOf(storedBy(applySubjectChange(before, entitlements(update))))).toEqual(contentsOf(update));
  });

  it("with entitlements and no timestamp replaces the state", () => {
    expect(storedBy(applySubjectChange(stored, entitlements(stateWith([boolean()])))).feature("seats")).toBeUndefined();
  });

  it("at the same time replaces the state: the last writer wins", () => {
    expect(
      storedBy(applySubjectChange(stored, entitlements(stateWith([boolean()], { updatedAt: 10 })))).feature("seats"),
    ).toBeUndefined();
  });

  it("older than what is stored says nothing new", () => {
    expect(applySubjectChange(stored, entitlements(stateWith([boolean()], { updatedAt: 9 })))).toEqual({
      effect: "none",
    });
  });

  it("older than what is stored still brings a usage that is newer", () => {
    const older = stateWith([metered({ usageLimit: 99, usage: { currentUsage: 7, updatedAt: 41 } })], { updatedAt: 9 });
    const after = storedBy(applySubjectChange(stored, entitlements(older)));
    expect(after.featureUsage("seats").currentUsage).toBe(7);
    expect(after.feature("seats")?.usageLimit).toBe(10);
    expect(after.updatedAt).toBe(10);
  });

  it("newer than what is stored keeps a stored usage that is newer still", () => {
    const update = stateWith([metered({ usageLimit: 99, usage: { currentUsage: 1, updatedAt: 39 } })], {
      updatedAt: 11,
    });
    const after = storedBy(applySubjectChange(stored, entitlements(update)));
    expect(after.featureUsage("seats").currentUsage).toBe(4);
    expect(after.feature("seats")?.usageLimit).toBe(99);
  });

  it.each<[CustomerState | undefined, AccessDeniedReason]>([
    [undefined, "CustomerNotFound"],
    [stored, "CustomerIsArchived"],
    [stored, "NoActiveSubscription"],
  ])("empty with a reason replaces the state, whatever timestamp that has", (before, reason) => {
    const after = storedBy(applySubjectChange(before, entitlements(emptyState(reason))));
    expect(decideFeature(after, featureQuery("seats"), 0)).toMatchObject({
      hasAccess: false,
      accessDeniedReason: reason,
    });
  });

  it("with wallets and a reason keeps both", () => {
    const update = stateWith([], { credits: [wallet()], accessDeniedReason: "NoActiveSubscription", updatedAt: 11 });
    const after = storedBy(applySubjectChange(stored, entitlements(update)));
    expect({ reason: after.accessDeniedReason, wallets: after.creditCount }).toEqual({
      reason: "NoActiveSubscription",
      wallets: 1,
    });
  });

  it.each([undefined, stored])(
    "empty without a reason forgets the state, so that the next check asks for the reason",
    (before) => {
      expect(applySubjectChange(before, entitlements(emptyState()))).toEqual({ effect: "forget" });
    },
  );
});

describe("usage updated", () => {
  const ofSeats = { type: "feature", id: "seats" } as const;

  it("of a feature updates that usage", () => {
    const after = storedBy(
      applySubjectChange(stored, {
        type: "usage-updated",
        subject,
        entitlement: ofSeats,
        usage: { currentUsage: 5, updatedAt: 41 },
      }),
    );
    expect(after.featureUsage("seats").currentUsage).toBe(5);
    expect(after.creditUsage("credits").currentUsage).toBe(60);
  });

  it("of a wallet updates that usage", () => {
    const entitlement = { type: "credit", id: "credits" } as const;
    const after = storedBy(
      applySubjectChange(stored, {
        type: "usage-updated",
        subject,
        entitlement,
        usage: { currentUsage: 61, updatedAt: 51 },
      }),
    );
    expect(after.creditUsage("credits").currentUsage).toBe(61);
    expect(after.featureUsage("seats").currentUsage).toBe(4);
  });

  it.each([
    { why: "a subject that is not known", before: undefined, entitlement: ofSeats, updatedAt: 99 },
    {
      why: "a feature that the set does not have",
      before: stored,
      entitlement: { type: "feature", id: "other" } as const,
      updatedAt: 99,
    },
    {
      why: "a wallet that the set does not have",
      before: stored,
      entitlement: { type: "credit", id: "seats" } as const,
      updatedAt: 99,
    },
    { why: "before what is stored", before: stored, entitlement: ofSeats, updatedAt: 39 },
  ])("of $why is dropped", ({ before, entitlement, updatedAt }) => {
    expect(
      applySubjectChange(before, {
        type: "usage-updated",
        subject,
        entitlement,
        usage: { currentUsage: 9, updatedAt },
      }),
    ).toEqual({ effect: "none" });
  });
});

describe("a subject invalidated", () => {
  it("leaves what is known stale", () => {
    expect(applySubjectChange(stored, { type: "subject-invalidated", subject })).toEqual({ effect: "mark-stale" });
  });

  it("says nothing of what is not known", () => {
    expect(applySubjectChange(undefined, { type: "subject-invalidated", subject })).toEqual({ effect: "none" });
  });
});
