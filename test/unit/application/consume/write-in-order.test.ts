import { describe, expect, it } from "@jest/globals";
import { CodedError } from "../../../../src/domain/errors.js";
import { promisesSettled as settled } from "../../../fakes/event-loop.js";
import { consumption, customersIn, FIRST_DELAY_MS, writeOf } from "./consumption.js";

const OUTAGE = new CodedError("unavailable", "Redis is gone");

describe("writing in order", () => {
  it("sends what comes in one turn of the event loop together", async () => {
    const { cache, writer } = consumption();
    await Promise.all(["a", "b"].map((customer) => writer.write(writeOf(customer))));
    expect(customersIn(cache)).toEqual([["a", "b"]]);
  });

  it("sends what comes in during a round trip in the next one, in order and within its bound", async () => {
    const { cache, writer } = consumption();
    let release!: () => void;
    cache.hold = new Promise((resolve) => (release = resolve));
    const first = writer.write(writeOf("a"));
    await settled();
    const others = ["b", "c", "b", "d", "e"].map((customer) => writer.write(writeOf(customer)));
    await settled();
    release();
    await Promise.all([first, ...others]);
    expect(customersIn(cache)).toEqual([["a"], ["b", "c", "b"], ["d", "e"]]);
  });

  it("tells everybody in a trip that Redis is gone, closes the gate, and goes on once it is back", async () => {
    const { cache, writer, gate, clock, telemetry } = consumption();
    gate.start();
    await settled();
    expect(gate.isOpen).toBe(true);
    cache.outage = OUTAGE;
    const results = await Promise.allSettled(["a", "b"].map((customer) => writer.write(writeOf(customer))));
    expect(results).toEqual([
      { status: "rejected", reason: OUTAGE },
      { status: "rejected", reason: OUTAGE },
    ]);
    expect({ isOpen: gate.isOpen, failures: telemetry.failures }).toEqual({ isOpen: false, failures: 1 });
    cache.outage = undefined;
    clock.advance(FIRST_DELAY_MS);
    await settled();
    expect(gate.isOpen).toBe(true);
    await writer.write(writeOf("c"));
    expect(customersIn(cache)).toEqual([["c"]]);
  });

  it.each([
    { failure: new CodedError("unavailable", "gone"), code: "unavailable" },
    { failure: new CodedError("failed-precondition", "read-only"), code: "failed-precondition" },
    { failure: new CodedError("internal", "no sense"), code: "unavailable" },
  ])("takes $failure.code for $code where Redis takes nothing else either", async ({ failure, code }) => {
    const { cache, writer, gate } = consumption();
    gate.start();
    await settled();
    cache.outage = failure;
    await expect(writer.write(writeOf("a"))).rejects.toMatchObject({ code });
    expect(gate.isOpen).toBe(false);
  });

  it("finds the one that cannot be written, while Redis takes all others", async () => {
    const { cache, writer, gate } = consumption();
    gate.start();
    await settled();
    cache.spoilt.add("b");
    const results = await Promise.allSettled(["a", "b", "c"].map((customer) => writer.write(writeOf(customer))));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { code: "internal" } });
    expect(customersIn(cache)).toEqual([["a"], ["c"]]);
    expect(gate.isOpen).toBe(true);
  });
});

describe("the gate", () => {
  it("opens at the first write that Redis takes, however late, and says so once", async () => {
    const { cache, gate, clock, logger } = consumption();
    cache.outage = OUTAGE;
    gate.start();
    for (let attempt = 0; attempt < 20; attempt++) {
      clock.advance(10_000);
      await settled();
    }
    expect(gate.isOpen).toBe(false);
    cache.outage = undefined;
    clock.advance(10_000);
    await settled();
    expect(gate.isOpen).toBe(true);
    expect(logger.lines.filter(({ level }) => level !== "debug")).toHaveLength(1);
  });

  it("closes as soon as the connection is lost", async () => {
    const { cache, gate } = consumption();
    gate.start();
    await settled();
    cache.isConnected = false;
    expect(gate.isOpen).toBe(false);
  });

  it("lets nobody wait longer who is told to stop", async () => {
    const { gate } = consumption();
    const stopping = new AbortController();
    const waiting = gate.whenOpen(stopping.signal);
    stopping.abort();
    await waiting;
    expect(gate.isOpen).toBe(false);
  });

  it("keeps nobody waiting while it is open", async () => {
    const { gate } = consumption();
    const { signal } = new AbortController();
    let passed = 0;
    const waiting = gate.whenOpen(signal).then(() => passed++);
    await settled();
    expect(passed).toBe(0);
    gate.start();
    await waiting;
    await gate.whenOpen(signal);
    expect([passed, gate.isOpen]).toEqual([1, true]);
  });

  it.each([{ isRolledBack: true }, { isRolledBack: false }])(
    "tells whether Redis has lost what it had confirmed, once it takes writes: $isRolledBack",
    async ({ isRolledBack }) => {
      const { cache, gate } = consumption();
      const reported: boolean[] = [];
      gate.onOlderData(() => reported.push(gate.isOpen));
      cache.isRolledBack = isRolledBack;
      gate.start();
      await settled();
      expect(reported).toEqual(isRolledBack ? [true] : []);
    },
  );

  it("opens although nobody listens whether Redis has lost something", async () => {
    const { cache, gate } = consumption();
    cache.isRolledBack = true;
    gate.start();
    await settled();
    expect(gate.isOpen).toBe(true);
  });

  it.each([{ outage: OUTAGE }, { outage: undefined }])(
    "stays closed where it is stopped while Redis is tried, whatever comes of that (%#)",
    async ({ outage }) => {
      const { cache, gate, clock } = consumption();
      cache.outage = outage;
      gate.start();
      gate.stop();
      await settled();
      expect([gate.isOpen, clock.pendingTimers]).toEqual([false, 0]);
    },
  );

  it("does nothing any more once it is stopped", async () => {
    const { cache, gate, clock } = consumption();
    cache.outage = OUTAGE;
    gate.start();
    await settled();
    gate.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});
