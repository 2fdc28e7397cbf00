import { expect, it } from "@jest/globals";
import { DELIVERY_LIMITS, DeliveryPace } from "../../../../src/application/report/delivery-pace.js";
import { CodedError } from "../../../../src/domain/errors.js";

function paceOf({ isUpstreamDown = false } = {}) {
  let now = 0;
  const pace = new DeliveryPace(
    DELIVERY_LIMITS,
    { now: () => now } as never,
    () => isUpstreamDown,
    () => 1,
  );
  return { pace, pass: (ms: number) => (now += ms) };
}

it("has no more requests under way than the limit, and after a failure one", () => {
  const { pace, pass } = paceOf();
  for (let i = 0; i < DELIVERY_LIMITS.maxInFlight; i++) {
    expect(pace.waitMs()).toBe(0);
    pace.began();
  }
  expect([pace.inFlight, pace.waitMs()]).toEqual([DELIVERY_LIMITS.maxInFlight, Infinity]);
  for (let i = 1; i < DELIVERY_LIMITS.maxInFlight; i++) pace.ended();
  pace.failed(new Error("away"));
  pass(DELIVERY_LIMITS.longestBackOffMs);
  expect(pace.waitMs()).toBe(Infinity);
  pace.ended();
  expect(pace.waitMs()).toBe(0);
});

it("waits longer after each failure, at least as long as upstream asks for, and not at all once it answered", () => {
  const { pace, pass } = paceOf();
  const waits = [1, 2, 3].map(() => {
    pace.failed(new Error("away"));
    return pace.waitMs();
  });
  expect(waits).toEqual([1_000, 2_000, 4_000]);
  const slower = new (class extends CodedError {
    override get retryAfterMs() {
      return 50_000;
    }
  })("resource-exhausted", "slower");
  pace.failed(slower);
  expect(pace.waitMs()).toBe(50_000);
  pass(50_000);
  pace.answered();
  pace.failed(new Error("away"));
  expect(pace.waitMs()).toBe(1_000);
});

it("waits the same each time after refusals that may be of one request alone", () => {
  const { pace } = paceOf();
  const waits = [1, 2, 3].map(() => {
    pace.refusedWithoutWord();
    return pace.waitMs();
  });
  expect(waits).toEqual([1_000, 1_000, 1_000]);
});

it("looks each second whether upstream is asked again, while a circuit breaker keeps it from being", () => {
  expect(paceOf({ isUpstreamDown: true }).pace.waitMs()).toBe(1_000);
});
