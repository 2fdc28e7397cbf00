import { describe, expect, it } from "@jest/globals";
import { Readiness } from "../../../src/application/readiness.js";
import { StreamStatus } from "../../../src/domain/freshness/freshness.js";

describe("readiness", () => {
  it.each([
    { calls: [], phase: "starting" },
    { calls: ["ready"], phase: "ready" },
    { calls: ["ready", "ready"], phase: "ready" },
    { calls: ["ready", "drain"], phase: "draining" },
    { calls: ["drain"], phase: "draining" },
    { calls: ["drain", "ready"], phase: "draining" },
    { calls: ["ready", "drain", "ready"], phase: "draining" },
  ] as const)("after $calls is $phase", ({ calls, phase }) => {
    const readiness = new Readiness();
    for (const call of calls) readiness[call]();
    expect([readiness.phase, readiness.isReady]).toEqual([phase, phase === "ready"]);
  });

  it("tells of each change once, until it is told to stop", () => {
    const readiness = new Readiness();
    const heard: boolean[] = [];
    const unheard: boolean[] = [];
    readiness.onChange(() => heard.push(readiness.isReady));
    const stop = readiness.onChange(() => unheard.push(readiness.isReady));
    readiness.ready();
    readiness.ready();
    stop();
    readiness.drain();
    readiness.drain();
    expect({ heard, unheard }).toEqual({ heard: [true, false], unheard: [true] });
  });
});

describe("the time from which states are trusted", () => {
  it.each([
    { calls: [], since: 1_000 - 300 },
    { calls: ["connected"], since: 1_000 - 750 },
    { calls: ["connected", "disconnected"], since: 1_000 - 300 },
    { calls: ["disconnected", "connected"], since: 1_000 - 750 },
  ] as const)("after $calls is $since", ({ calls, since }) => {
    const stream = new StreamStatus(300, 1_000);
    for (const call of calls) {
      if (call === "connected") stream.connected();
      else stream.disconnected(900);
    }
    expect(stream.trustSince(1_000)).toBe(since);
  });

  it("is as far back as the greatest age where nobody polls", () =>
    expect(new StreamStatus(Infinity, 1_000).trustSince(1_000)).toBe(250));

  it("is spread: of states learnt in one second none is due before three quarters of the greatest age, and all are at it", () => {
    const stream = new StreamStatus(300, 100_000);
    stream.connected();
    const due = (age: number) =>
      Array.from({ length: 1_000 }, (_, ms) => 5_000 + ms).filter((verifiedAt) =>
        stream.isDue(verifiedAt, verifiedAt + age),
      ).length;
    expect([due(74_000), due(100_001)]).toEqual([0, 1_000]);
    for (const share of [0.25, 0.5, 0.75])
      expect(Math.abs(due(75_000 + share * 25_000) - share * 1_000)).toBeLessThan(10);
  });

  it("vouches for nothing from before the stream was lost, and for nothing that is older than it may be", () => {
    const stream = new StreamStatus(300, 5_000);
    expect(stream.vouchedSince(10_000)).toBe(9_700);
    stream.connected();
    expect(stream.vouchedSince(10_000)).toBe(5_000);
    stream.disconnected(9_900);
    expect(stream.vouchedSince(10_000)).toBe(9_900);
    expect(stream.vouchedSince(11_000)).toBe(10_700);
    stream.connected();
    expect(stream.vouchedSince(11_000)).toBe(6_000);
    expect(new StreamStatus(Infinity).vouchedSince(1_000)).toBe(-Infinity);
  });
});
