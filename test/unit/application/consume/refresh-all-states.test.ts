import { describe, expect, it } from "@jest/globals";
import { RefetchAfterRollback, RefreshAllStates } from "../../../../src/application/consume/refresh-all-states.js";
import { CodedError } from "../../../../src/domain/errors.js";
import type { Subject } from "../../../../src/domain/subject.js";
import { promisesSettled as settled } from "../../../fakes/event-loop.js";
import { InMemorySharedCache } from "../../../fakes/in-memory-shared-cache.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";
import { consumption, customersIn } from "./consumption.js";

const CUSTOMERS: readonly Subject[] = ["a", "b", "c"].map((customerId) => ({ customerId }));

function sweeping(fetchState?: () => Promise<never>) {
  const parts = consumption(new InMemorySharedCache(CUSTOMERS), fetchState && { fetchState });
  parts.gate.start();
  const sweep = new RefreshAllStates(parts.cache, parts.refetch, parts.clock, parts.logger, {
    perSecond: 10,
    maxConcurrent: 2,
  });
  /** Time goes on until nothing is left to do. */
  async function pass(ms: number) {
    for (let passed = 0; passed < ms; passed += 100) {
      await settled();
      parts.clock.advance(100);
    }
    await settled();
  }
  return { ...parts, sweep, pass };
}

describe("a sweep", () => {
  it("asks upstream for everybody in the shared cache, so many a second", async () => {
    const { sweep, cache, pass } = sweeping();
    const swept = sweep.sweep();
    await pass(100);
    const atFirst = customersIn(cache).flat().length;
    await pass(1_000);
    await swept;
    expect(atFirst).toBeLessThan(CUSTOMERS.length);
    expect(new Set(customersIn(cache).flat())).toEqual(new Set(["a", "b", "c"]));
  });

  it("that is asked for while one runs comes after it, once for all who ask", async () => {
    const { sweep, cache, pass } = sweeping();
    const [first, second, third] = [sweep.sweep(), sweep.sweep(1), sweep.sweep(2)];
    expect(third).toBe(second);
    await pass(3_000);
    await Promise.all([first, second]);
    const asked = customersIn(cache).flat();
    expect(asked.filter((customer) => customer === "a").length).toBeGreaterThanOrEqual(2);
  });

  it("leaves out whom upstream refuses, and brings all others up to date", async () => {
    let asked = 0;
    const refuse = () => Promise.reject(new CodedError("invalid-argument", `no such id (${asked++})`));
    const { sweep, pass } = sweeping(refuse);
    const swept = sweep.sweep();
    await pass(1_000);
    await swept;
    expect(asked).toBe(3);
  });

  it("ends with the process", async () => {
    const { sweep, pass } = sweeping();
    const swept = expect(sweep.sweep()).rejects.toMatchObject({ code: "cancelled" });
    sweep.stop();
    await pass(1_000);
    await swept;
  });
});

describe("a shared cache that has come back with older data", () => {
  function afterRollback(outcomes: readonly ("fails" | "works")[]) {
    const clock = new ManualClock();
    const logger = new RecordingLogger();
    const swept: (number | undefined)[] = [];
    let rollBack: () => void = () => undefined;
    const refetch = new RefetchAfterRollback(
      {
        gate: { onOlderData: (listener) => (rollBack = listener) },
        sweep: {
          sweep(changedAt) {
            const outcome = outcomes[swept.push(changedAt) - 1];
            return outcome === "works"
              ? Promise.resolve()
              : Promise.reject(new CodedError("unavailable", "Edge is away"));
          },
        },
        clock,
        logger,
      },
      { firstDelayMs: 100, longestDelayMs: 100 },
    );
    refetch.start();
    rollBack();
    return { clock, logger, swept, refetch };
  }

  it("has every state refetched, again and again until it was possible, and the loss and the recovery are told", async () => {
    const { clock, logger, swept } = afterRollback(["fails", "fails", "works"]);
    for (let i = 0; i < 5; i++) {
      await settled();
      clock.advance(200);
    }
    // Whatever the answers say of their time, they are no proof of being from after it.
    expect(swept).toEqual([Infinity, Infinity, Infinity]);
    expect(logger.lines.map(({ level }) => level)).toEqual(["warn", "warn", "warn"]);
    expect(logger.lines.at(-1)?.message).toBe("every state was refetched, or is asked for again");
  });

  it("is not looked after once the process ends", async () => {
    const { clock, swept, refetch } = afterRollback(["fails", "works"]);
    await settled();
    refetch.stop();
    clock.advance(1_000);
    await settled();
    expect(swept).toHaveLength(1);
  });
});
