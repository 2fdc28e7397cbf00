import { describe, expect, it } from "@jest/globals";
import { CodedError } from "../../../../src/domain/errors.js";
import { buildCore, know, NO_HURRY } from "../../../builders/core.js";
import { featureQuery } from "../../../builders/queries.js";
import { boolean, emptyState, stateWith } from "../../../builders/states.js";

const subject = { customerId: "c" };

describe("a reload of entitlements", () => {
  it("asks upstream for what is true now, and the next check knows it without asking", async () => {
    const core = buildCore();
    await know(core, subject, emptyState("NoActiveSubscription"));
    const reloaded = core.reload.reload(subject);
    const fetch = await core.upstream.fetches.at(1);
    expect(fetch.question).toEqual({ subject, latest: true });
    fetch.answer(stateWith([boolean()]));
    expect(await reloaded).toEqual({ entitledEntityExists: true });
    expect(core.check.feature("c", undefined, featureQuery("sso"), NO_HURRY)).toMatchObject({
      source: "memory",
      result: { hasAccess: true },
    });
  });

  it.each([
    { state: stateWith([boolean()]), exists: true },
    { state: emptyState(), exists: true },
    { state: emptyState("NoActiveSubscription"), exists: true },
    { state: emptyState("CustomerIsArchived"), exists: true },
    { state: emptyState("CustomerNotFound"), exists: false },
    { state: emptyState("CustomerResourceNotFound"), exists: false },
    { state: undefined, exists: false },
  ])(
    "tells whether upstream knows whom it was asked about ($state.accessDeniedReason: $exists)",
    async ({ state, exists }) => {
      const core = buildCore();
      const reloaded = core.reload.reload({ customerId: "c", resourceId: "r" });
      (await core.upstream.fetches.at(0)).answer(state);
      expect(await reloaded).toEqual({ entitledEntityExists: exists });
    },
  );

  it("tells upstream's failure to its caller, and what was known goes on serving", async () => {
    const core = buildCore();
    await know(core, subject, stateWith([boolean()]));
    const reloaded = core.reload.reload(subject);
    const failure = new CodedError("unauthenticated", "invalid API key");
    (await core.upstream.fetches.at(1)).fail(failure);
    await expect(reloaded).rejects.toBe(failure);
    expect(core.check.feature("c", undefined, featureQuery("sso"), NO_HURRY)).toMatchObject({
      result: { hasAccess: true },
    });
  });
});
