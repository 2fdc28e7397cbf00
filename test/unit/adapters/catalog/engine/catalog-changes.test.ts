import { describe, expect, it } from "@jest/globals";
import { inTurns } from "../../../../../src/adapters/catalog/engine/catalog-changes.js";

function* steps(count: number, step: () => void = () => undefined): Generator<void, number> {
  for (let done = 0; done < count; done++) {
    step();
    yield;
  }
  return count;
}

/** Counts turns of the event loop until it is stopped. */
function countTurns(): () => number {
  let turns = 0;
  let isStopped = false;
  const next = () => {
    turns++;
    if (!isStopped) setTimeout(next, 0);
  };
  setTimeout(next, 0);
  return () => {
    isStopped = true;
    return turns;
  };
}

describe("work that is done in turns", () => {
  it("is done to its end", async () => {
    for (const count of [0, 1, 8, 9, 5_000]) {
      let done = 0;
      expect(
        await inTurns(
          steps(count, () => done++),
          () => false,
        ),
      ).toBe(count);
      expect(done).toBe(count);
    }
  });

  it("begins at once", () => {
    let done = 0;
    void inTurns(
      steps(5, () => done++),
      () => false,
    );
    expect(done).toBeGreaterThan(0);
  });

  it("leaves room for other work, also where what is slow is set off by a step and not done in it", async () => {
    const slowly = () => {
      for (const until = performance.now() + 1; performance.now() < until;);
    };
    for (const step of [
      slowly,
      () =>
        void Promise.resolve()
          .then(() => Promise.resolve())
          .then(slowly),
    ]) {
      const turns = countTurns();
      await inTurns(steps(100, step), () => false);
      expect(turns()).toBeGreaterThan(100 / 16);
    }
  });

  it("ends where nobody wants it any more", async () => {
    let done = 0;
    expect(
      await inTurns(
        steps(100_000, () => done++),
        () => done > 100,
      ),
    ).toBeUndefined();
    expect(done).toBeLessThan(100_000);
  });

  it("fails where a step fails", async () => {
    const failing = steps(100, () => {
      throw new Error("a step failed");
    });
    await expect(inTurns(failing, () => false)).rejects.toThrow("a step failed");
  });
});
