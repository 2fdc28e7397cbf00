import { describe, expect, it } from "@jest/globals";
import { withDefaultTimestamps } from "../../../src/domain/with-default-timestamps.js";
import { emptyState, metered, stateWith, wallet } from "../../builders/states.js";

const AT = 5_000;

describe("a state without a timestamp of its own", () => {
  it("gets that of its change, and so do its usages", () => {
    const state = withDefaultTimestamps(
      stateWith([metered({ usage: { currentUsage: 3 } })], { credits: [wallet({ usage: { currentUsage: 4 } })] }),
      AT,
    );
    expect([state.updatedAt, state.featureUsage("seats").updatedAt, state.creditUsage("credits").updatedAt]).toEqual([
      AT,
      AT,
      AT,
    ]);
  });
});

describe("a state with a timestamp", () => {
  it("keeps it, and gives it to usages that have none", () => {
    const state = withDefaultTimestamps(stateWith([metered({ usage: { currentUsage: 3 } })], { updatedAt: 1_000 }), AT);
    expect([state.updatedAt, state.featureUsage("seats").updatedAt]).toEqual([1_000, 1_000]);
  });

  it("is the same object where its usages have timestamps of their own", () => {
    const usage = { currentUsage: 3, updatedAt: 900 };
    const state = stateWith([metered({ usage })], { credits: [wallet({ usage })], updatedAt: 1_000 });
    expect(withDefaultTimestamps(state, AT)).toBe(state);
  });
});

it("an empty state has nothing that could be older or newer", () => {
  const state = emptyState("CustomerNotFound");
  expect(withDefaultTimestamps(state, AT)).toBe(state);
});
