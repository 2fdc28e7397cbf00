import { describe, expect, it } from "vitest";
import { Readiness } from "../../../src/application/readiness.js";
import { StreamStatus } from "../../../src/application/stream-status.js";

describe("readiness", () => {
  it.each([
    { calls: [], isReady: false },
    { calls: ["ready"], isReady: true },
    { calls: ["ready", "ready"], isReady: true },
    { calls: ["ready", "drain"], isReady: false },
    { calls: ["drain"], isReady: false },
    { calls: ["drain", "ready"], isReady: false },
    { calls: ["ready", "drain", "ready"], isReady: false },
  ] as const)("after $calls: $isReady", ({ calls, isReady }) => {
    const readiness = new Readiness();
    for (const call of calls) readiness[call]();
    expect(readiness.isReady).toBe(isReady);
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

describe("the moment from which states are trusted", () => {
  it.each([
    { calls: [], since: 1_000 - 300 },
    { calls: ["connected"], since: -Infinity },
    { calls: ["connected", "disconnected"], since: 1_000 - 300 },
    { calls: ["disconnected", "connected"], since: -Infinity },
  ] as const)("after $calls is $since", ({ calls, since }) => {
    const stream = new StreamStatus(300);
    for (const call of calls) stream[call]();
    expect(stream.trustSince(1_000)).toBe(since);
  });
});
