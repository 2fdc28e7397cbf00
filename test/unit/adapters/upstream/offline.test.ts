import { describe, expect, it } from "@jest/globals";
import { SilentUpdateStream } from "../../../../src/adapters/stream/silent-update-stream.js";
import { OfflineUpstreamClient } from "../../../../src/adapters/upstream/offline-upstream-client.js";
import type { UsageReport } from "../../../../src/domain/usage/usage-report.js";
import type { UpdateListener } from "../../../../src/ports/change-sources.js";

const upstream = new OfflineUpstreamClient();

function report(customerId: string, featureId: string): UsageReport {
  const subject = { customerId, resourceId: "r" };
  return {
    subject,
    featureId,
    value: 5,
    updateBehavior: "DELTA",
    dimensions: new Map(),
    timestamp: undefined,
    idempotencyKey: "k",
  };
}

describe("offline", () => {
  it("knows no state, which is not the same as an unknown customer", async () => {
    expect(await upstream.fetchState()).toBeUndefined();
  });

  it("acknowledges a report with a fresh id and the report's own ids, and claims no usage", async () => {
    const first = await upstream.reportUsage(report("c", "f"));
    const second = await upstream.reportUsage(report("c", "f"));
    expect(first).toMatchObject({
      subject: { customerId: "c", resourceId: "r" },
      featureId: "f",
      currentUsage: undefined,
      credit: undefined,
    });
    expect(first.measurementId).toMatch(/^[0-9a-f-]{36}$/);
    expect(second.measurementId).not.toBe(first.measurementId);
  });

  it("acknowledges a bulk one by one, in order", async () => {
    const measurements = await upstream.reportUsageBulk([report("a", "x"), report("b", "y")]);
    expect(measurements.map(({ subject, featureId }) => [subject.customerId, featureId])).toEqual([
      ["a", "x"],
      ["b", "y"],
    ]);
    expect(new Set(measurements.map(({ measurementId }) => measurementId)).size).toBe(2);
  });

  it("accepts events", async () => {
    await expect(upstream.reportEvents()).resolves.toBeUndefined();
  });

  it("tells no change, not even of a connection", async () => {
    const received: string[] = [];
    const listener: UpdateListener = {
      connected: () => received.push("connected"),
      changed: () => received.push("changed"),
      disconnected: () => received.push("disconnected"),
    };
    const stream: { start(listener: UpdateListener): void; stop(): Promise<void> } = new SilentUpdateStream();
    stream.start(listener);
    await stream.stop();
    expect(received).toEqual([]);
  });
});
