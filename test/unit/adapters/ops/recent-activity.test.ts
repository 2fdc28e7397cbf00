import { describe, expect, it } from "@jest/globals";
import { RecentChanges } from "../../../../src/adapters/ops/recent-activity.js";
import type { Change } from "../../../../src/domain/change.js";
import { ManualClock } from "../../../fakes/manual-clock.js";

const SUBJECT = { customerId: "acme", resourceId: "berlin" };
const CHANGES: readonly Change[] = [
  { type: "subject-invalidated", subject: SUBJECT },
  {
    type: "usage-updated",
    subject: SUBJECT,
    entitlement: { type: "feature", id: "seats" },
    usage: { currentUsage: 1 },
  },
  { type: "package-published", migration: "ALL_CUSTOMERS" },
];

describe("the latest changes", () => {
  it("are told, the latest first, and reach whoever follows them as they came", () => {
    const clock = new ManualClock(1_000);
    const recent = new RecentChanges(clock);
    const heard: unknown[] = [];
    const listener = recent.before({
      connected: () => heard.push("connected"),
      changed: (change) => heard.push(change),
      disconnected: () => heard.push("disconnected"),
    });
    listener.connected();
    for (const change of CHANGES) listener.changed(change);
    clock.advance(1);
    listener.disconnected();
    expect(heard).toEqual(["connected", ...CHANGES, "disconnected"]);
    expect(recent.latest).toEqual([
      { at: 1_001, type: "stream-lost" },
      { at: 1_000, type: "package-published" },
      { at: 1_000, type: "usage-updated", ...SUBJECT, entitlement: "seats" },
      { at: 1_000, type: "subject-invalidated", ...SUBJECT },
      { at: 1_000, type: "stream-connected" },
    ]);
  });

  it("have a write to Redis once, though it is one of several keys", () => {
    const recent = new RecentChanges(new ManualClock(1_000));
    recent.writtenToRedis(SUBJECT);
    recent.writtenToRedis(SUBJECT);
    recent.writtenToRedis({ customerId: "acme" });
    expect(recent.latest).toEqual([
      { at: 1_000, type: "written-to-redis", customerId: "acme" },
      { at: 1_000, type: "written-to-redis", ...SUBJECT },
    ]);
  });

  it("are so many at most", () => {
    const recent = new RecentChanges(new ManualClock(1_000));
    for (let number = 0; number < 60; number++) recent.writtenToRedis({ customerId: `customer-${number}` });
    expect(recent.latest).toHaveLength(50);
    expect(recent.latest[0]?.customerId).toBe("customer-59");
  });
});
