import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { DEFAULT_STREAM_TIMING, ReconnectSchedule } from "../../../../src/adapters/stream/reconnect-schedule.js";

const ALMOST_ONE = 1 - 2 ** -53;

/** The waits after connections that are lost one after the other, as fast as the schedule allows, for so long. */
function waitsOver(durationMs: number, random: () => number): { readonly at: number; readonly delayMs: number }[] {
  const schedule = new ReconnectSchedule(DEFAULT_STREAM_TIMING, random);
  const waits: { at: number; delayMs: number }[] = [];
  // No try takes less than a millisecond.
  for (let now = 0; now < durationMs; now += 1) {
    const delayMs = schedule.delayAfter("lost", now);
    waits.push({ at: now, delayMs });
    now += delayMs;
  }
  return waits;
}

describe("a lost stream is tried again", () => {
  it("at once at first, then ever later", () => {
    const delays = waitsOver(3_000, () => ALMOST_ONE).map(({ delayMs }) => Math.round(delayMs));
    expect(delays.slice(0, 5)).toEqual([0, 250, 500, 700, 700]);
  });

  it("never more than 5 s apart in the first minute, and 30 s after it, whatever chance says", () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.double({ min: 0, max: ALMOST_ONE, noNaN: true })), (chances) => {
        for (const { at, delayMs } of waitsOver(600_000, () => Math.max(0.01, chances.next().value ?? 0.5))) {
          expect(delayMs).toBeLessThan(at < 60_000 ? 5_000 : 30_000);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("less than a second apart in the first seconds, so that a short loss is a short gap", () => {
    for (const { at, delayMs } of waitsOver(60_000, () => ALMOST_ONE))
      if (at < 10_000) expect(delayMs).toBeLessThan(1_000);
  });

  it("at any time up to the longest wait: those who lost it together do not come back together", () => {
    const delays = [0, 0.25, 0.5, 0.75].map((chance) => {
      const schedule = new ReconnectSchedule(DEFAULT_STREAM_TIMING, () => chance);
      for (let i = 0; i < 10; i++) schedule.delayAfter("lost", 0);
      return schedule.delayAfter("lost", 120_000);
    });
    expect(delays).toEqual([0, 7_500, 15_000, 22_500]);
  });
});

describe("a stream that was there", () => {
  it("and had lasted is tried again at once", () => {
    const schedule = new ReconnectSchedule(DEFAULT_STREAM_TIMING, () => 0.5);
    for (let i = 0; i < 10; i++) schedule.delayAfter("lost", 70_000 + i);
    schedule.established(80_000);
    expect(schedule.delayAfter("lost", 90_000)).toBe(0);
    expect(schedule.delayAfter("lost", 90_001)).toBe(125);
  });

  it("but comes and goes is tried again ever later all the same", () => {
    const schedule = new ReconnectSchedule(DEFAULT_STREAM_TIMING, () => 0.5);
    const delays = Array.from({ length: 5 }, (_, i) => {
      schedule.established(i * 100);
      return schedule.delayAfter("lost", i * 100 + 50);
    });
    expect(delays).toEqual([0, 125, 250, 350, 350]);
  });
});

describe("a stream that comes and goes for long", () => {
  it("is never waited for as for an upstream that is gone: each time it was there the first minute begins anew", () => {
    const schedule = new ReconnectSchedule(DEFAULT_STREAM_TIMING, () => ALMOST_ONE);
    let longest = 0;
    for (let now = 0; now < 600_000; now += 3_000) {
      longest = Math.max(longest, schedule.delayAfter("lost", now));
      schedule.established(now + 1_000);
    }
    expect(Math.round(longest)).toBe(4_500);
    for (let now = 600_000; now < 659_000; now += 1_000) longest = Math.max(longest, schedule.delayAfter("lost", now));
    expect(Math.round(longest)).toBe(4_500);
    expect(Math.round(schedule.delayAfter("lost", 661_000))).toBe(30_000);
  });
});

describe("a stream that was refused or throttled", () => {
  it.each([
    [0, 15_000],
    [0.5, 22_500],
  ])("is refused: with chance %d it is tried again after %d ms, from the first time on", (chance, delayMs) => {
    const schedule = new ReconnectSchedule(DEFAULT_STREAM_TIMING, () => chance);
    expect([1, 2, 3].map(() => schedule.delayAfter("refused", 0))).toEqual([delayMs, delayMs, delayMs]);
  });

  it("is throttled: it is never tried again at once", () => {
    const schedule = new ReconnectSchedule(DEFAULT_STREAM_TIMING, () => 0);
    expect([0, 20_000, 120_000].map((now) => schedule.delayAfter("throttled", now))).toEqual([350, 2_250, 15_000]);
  });
});
