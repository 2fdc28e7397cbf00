import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { SidecarUnderFault } from "./sidecar-under-fault.js";

let rig: SidecarUnderFault;

beforeEach(async () => {
  rig = await SidecarUnderFault.start();
});

afterEach(() => rig.stop());

/** Each counts one of something, once. */
const REPORTS = [
  {
    operation: "ReportUsage",
    featureId: "seats",
    report: () => rig.client.reportUsage({ customerId: "acme", featureId: "seats", value: 1 }),
  },
  {
    operation: "ReportUsageBulk",
    featureId: "seats",
    report: () => rig.client.reportUsageBulk({ usages: [{ customerId: "acme", featureId: "seats", value: 1 }] }),
  },
  {
    operation: "ReportEvent",
    featureId: "calls",
    report: () =>
      rig.client.reportEvents({ events: [{ customerId: "acme", eventName: "api_request", idempotencyKey: "e-1" }] }),
  },
] as const;

describe.each(REPORTS)("$operation", ({ operation, featureId, report }) => {
  const counted = () => rig.engine.stateOf({ customerId: "acme" }).featureUsage(featureId).currentUsage;
  const keys = () =>
    rig.emulator.stats.reports.map((seen) => (seen.type === "usage" ? seen.report : seen.event).idempotencyKey);

  it.each(["before-effect", "after-effect"] as const)(
    "a connection reset %s is tried once more, with the same key, and counted once",
    async (when) => {
      const before = counted();
      rig.emulator.faults.inject({ target: "api", operation, kind: "reset", when, times: 1 });
      await report();
      expect(rig.emulator.stats.api.byOperation.get(operation)).toBe(2);
      expect(new Set(keys()).size).toBe(1);
      expect(counted()).toBe(before + 1);
    },
  );

  it("a connection reset every time is reported to the caller, and counted once at most", async () => {
    const before = counted();
    rig.emulator.faults.inject({ target: "api", operation, kind: "reset", when: "after-effect" });
    await expect(report()).rejects.toMatchObject({ code: Code.Unavailable });
    expect(rig.emulator.stats.api.byOperation.get(operation)).toBe(2);
    expect(new Set(keys()).size).toBe(1);
    expect(counted()).toBe(before + 1);
  });

  it("what upstream refuses is not tried again", async () => {
    rig.emulator.faults.inject({
      target: "api",
      operation,
      kind: "errors",
      code: "BadUserInput",
      message: "not like that",
    });
    const refused: unknown = await report().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ConnectError);
    expect(refused).toMatchObject({ rawMessage: "not like that" });
    expect(rig.emulator.stats.api.byOperation.get(operation)).toBe(1);
  });
});

it("two reports that are alike are two reports: each has a key of its own", async () => {
  await rig.client.reportUsage({ customerId: "acme", featureId: "seats", value: 1 });
  await rig.client.reportUsage({ customerId: "acme", featureId: "seats", value: 1 });
  expect(rig.engine.stateOf({ customerId: "acme" }).featureUsage("seats").currentUsage).toBe(10);
});
