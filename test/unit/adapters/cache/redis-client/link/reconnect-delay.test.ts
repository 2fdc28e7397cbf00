import fc from "fast-check";
import { expect, it } from "@jest/globals";
import { ReconnectDelay } from "../../../../../../src/adapters/cache/redis-client/link/link-timing.js";

const TIMING = {
  connectTimeoutMs: 1_000,
  pingIntervalMs: 500,
  silenceLimitMs: 3_000,
  firstReconnectDelayMs: 20,
  maxReconnectDelayMs: 1_000,
};

it("doubles up to its maximum, and starts over after a connection that lasted", () => {
  const delay = new ReconnectDelay(TIMING, () => 1);
  expect([0, 0, 999, 0, 0, 0, 0, 0].map((lastedMs) => delay.nextMs(lastedMs))).toEqual([
    20, 40, 80, 160, 320, 640, 1_000, 1_000,
  ]);
  expect([1_000, 0].map((lastedMs) => delay.nextMs(lastedMs))).toEqual([20, 40]);
});

it("is never more than its maximum, nor less than half of what it would be", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3_000)), { maxLength: 50 }),
      (losses) => {
        for (const [random, lastedMs] of losses) {
          const delayMs = new ReconnectDelay(TIMING, () => random).nextMs(lastedMs);
          expect(delayMs).toBeGreaterThanOrEqual(10);
          expect(delayMs).toBeLessThanOrEqual(20);
        }
        const delay = new ReconnectDelay(TIMING, () => 0.999);
        for (const [, lastedMs] of losses) expect(delay.nextMs(lastedMs)).toBeLessThanOrEqual(1_000);
      },
    ),
  );
});
