import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { FoldingLogger } from "../../../../src/adapters/ops/folding-logger.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

const MINUTE = 60_000;

function folding() {
  const clock = new ManualClock();
  const written = new RecordingLogger();
  return { clock, written, logger: new FoldingLogger(written, clock) };
}

describe("a line that repeats", () => {
  it.each(["error", "warn", "info"] as const)(
    "at %s is written once, and its repeats as one line a minute with their count",
    (level) => {
      const { clock, written, logger } = folding();
      for (let i = 0; i < 100; i++) logger[level]("the cache takes no usage", { error: new Error(`try ${i}`) });
      expect(written.lines).toHaveLength(1);
      clock.advance(MINUTE);
      expect(written.lines.slice(1)).toEqual([
        { level, message: "the cache takes no usage", fields: { error: new Error("try 99"), repeats: 99 } },
      ]);
      for (let i = 0; i < 7; i++) logger[level]("the cache takes no usage");
      expect(written.lines).toHaveLength(2);
      clock.advance(MINUTE);
      expect(written.lines[2]?.fields).toEqual({ repeats: 7 });
    },
  );

  it("is written at once again after an interval without it", () => {
    const { clock, written, logger } = folding();
    logger.warn("lost");
    clock.advance(2 * MINUTE);
    logger.warn("lost");
    expect(written.lines).toHaveLength(2);
    expect(clock.pendingTimers).toBe(1);
    clock.advance(2 * MINUTE);
    expect([written.lines.length, clock.pendingTimers]).toEqual([2, 0]);
  });

  it("is written for a few customers, servers or files at once, and not for hundreds", () => {
    const { clock, written, logger } = folding();
    for (let i = 0; i < 100; i++) logger.warn("a state cannot be read", { customerId: `c${i}` });
    expect(written.lines.map(({ fields }) => fields?.["customerId"])).toEqual(["c0", "c1", "c2"]);
    clock.advance(MINUTE);
    expect(written.lines[3]?.fields).toEqual({ customerId: "c99", repeats: 97 });
  });

  it("is never kept back where it is for debugging", () => {
    const { written, logger } = folding();
    for (let i = 0; i < 5; i++) logger.debug("again");
    expect(written.lines).toHaveLength(5);
  });

  it("ends with the true last word of several: what was lost and found again", () => {
    const { clock, written, logger } = folding();
    for (let i = 0; i < 5; i++) {
      logger.warn("lost");
      logger.warn("found");
    }
    clock.advance(MINUTE);
    expect(written.lines.map(({ message }) => message)).toEqual(["lost", "found", "lost", "found"]);
  });

  it("is written before the process ends", () => {
    const { written, logger } = folding();
    for (let i = 0; i < 3; i++) logger.error("failed");
    logger.flush();
    expect(written.lines.map(({ fields }) => fields?.["repeats"])).toEqual([undefined, 2]);
  });
});

describe("an hour's outage", () => {
  it("writes at most four lines of a message in the first minute and one in each other, whatever happens, and loses no count", () => {
    const event = fc.record({
      afterMs: fc.integer({ min: 0, max: 90_000 }),
      message: fc.constantFrom("a", "b"),
      customer: fc.integer({ min: 0, max: 9 }),
      times: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const { clock, written, logger } = folding();
        const logged = { a: 0, b: 0 };
        for (const { afterMs, message, customer, times } of events) {
          clock.advance(afterMs);
          for (let i = 0; i < times; i++) logger.warn(message, { customer });
          logged[message] += times;
        }
        logger.flush();
        for (const message of ["a", "b"] as const) {
          const lines = written.lines.filter((line) => line.message === message);
          const counted = lines.reduce(
            (sum, { fields }) => sum + (typeof fields?.["repeats"] === "number" ? fields["repeats"] : 1),
            0,
          );
          expect(counted).toBe(logged[message]);
          const minutes = events.reduce((sum, { afterMs }) => sum + afterMs, 0) / MINUTE;
          expect(lines.length).toBeLessThanOrEqual(4 * (minutes + 2));
        }
      }),
    );
  });

  it("remembers no end of messages", () => {
    const { clock, written, logger } = folding();
    for (let i = 0; i < 3_000; i++) logger.warn(`message ${i}`);
    expect(written.lines).toHaveLength(3_000);
    clock.advance(3 * MINUTE);
    expect(written.lines).toHaveLength(3_000);
  });

  it("remembers the beginning of a field, however long others make it", () => {
    const { written, logger } = folding();
    for (const end of ["a", "b"]) logger.warn("refused", { customerId: "x".repeat(50_000) + end });
    expect(written.lines).toHaveLength(1);
  });
});
