import { describe, expect, it } from "@jest/globals";
import { FairQueue } from "../../../../../src/adapters/rpc/exchange/fair-queue.js";
import { burn, LoopTurns } from "../../../../support/loop-turns.js";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

async function untilEmpty(queue: FairQueue): Promise<void> {
  while (queue.size > 0) await turn();
}

describe("work off the fast path", () => {
  it("is begun in turns: one connection's thousand jobs do not come before another's first", async () => {
    const queue = new FairQueue();
    const begun: string[] = [];
    const [greedy, modest] = [{}, {}];
    for (let job = 0; job < 1_000; job++) queue.add(greedy, () => begun.push("greedy") > 0);
    queue.add(modest, () => begun.push("modest") > 0);
    await untilEmpty(queue);
    expect(begun.indexOf("modest")).toBeLessThanOrEqual(1);
    expect(begun).toHaveLength(1_001);
  });

  it("of one connection is begun in its order, and never in the call that adds it", async () => {
    const queue = new FairQueue();
    const begun: number[] = [];
    for (let job = 0; job < 200; job++) queue.add(queue, () => begun.push(job) > 0);
    expect(begun).toEqual([]);
    await untilEmpty(queue);
    expect(begun).toEqual(Array.from({ length: 200 }, (_, job) => job));
  });

  it("leaves the event loop to others between its turns", async () => {
    const queue = new FairQueue();
    let begun = 0;
    for (let job = 0; job < 1_000; job++) queue.add({}, () => ++begun > 0);
    await turn();
    await turn();
    expect(begun).toBeGreaterThan(0);
    expect(begun).toBeLessThan(1_000);
    await untilEmpty(queue);
  });

  it("takes no place in a turn where nobody waits for it any more", async () => {
    const queue = new FairQueue();
    let begun = 0;
    for (let job = 0; job < 10_000; job++) queue.add(queue, () => false);
    queue.add(queue, () => ++begun > 0);
    await turn();
    expect(begun).toBe(1);
    expect(queue.size).toBe(0);
  });

  it("is gone with its connection", async () => {
    const queue = new FairQueue();
    let begun = 0;
    const [gone, other] = [{}, {}];
    for (let job = 0; job < 10; job++) queue.add(gone, () => ++begun > 0);
    queue.add(other, () => ++begun > 0);
    queue.remove(gone);
    await untilEmpty(queue);
    await turn();
    expect(begun).toBe(1);
  });

  it("ends a turn with the job that used it up, whose work may come in microtasks", async () => {
    const queue = new FairQueue();
    const begun = new LoopTurns();
    for (let job = 0; job < 40; job++) {
      queue.add({}, () => {
        begun.count();
        void Promise.resolve().then(burn);
        return true;
      });
    }
    await untilEmpty(queue);
    begun.end();
    expect(begun.most).toBe(1);
  });

  it("lets the event loop go round several times behind a turn that was used up: each accepts one connection", async () => {
    const queue = new FairQueue();
    const begun = new LoopTurns();
    for (let job = 0; job < 5; job++) {
      queue.add({}, () => {
        begun.count();
        burn();
        return true;
      });
    }
    await untilEmpty(queue);
    begun.end();
    expect(begun.turns / 5).toBeGreaterThan(10);
  });

  it("goes on with who comes after all that waited have gone", async () => {
    const queue = new FairQueue();
    const gone = {};
    const first = new Promise<void>((resolve) => {
      queue.add(gone, () => {
        burn();
        resolve();
        return true;
      });
    });
    queue.add(gone, () => true);
    queue.add(gone, () => true);
    await first;
    queue.remove(gone);
    for (let passed = 0; passed < 100; passed++) await turn();
    await new Promise<void>((resolve) => {
      queue.add({}, () => {
        resolve();
        return true;
      });
    });
    expect(queue.size).toBe(0);
  });
});

describe("dear work that may be done at once", () => {
  it("may be until this turn's time is spent, and again in the next", async () => {
    const queue = new FairQueue();
    expect(queue.hasTime).toBe(true);
    queue.spent(6);
    expect(queue.hasTime).toBe(true);
    queue.spent(6);
    expect(queue.hasTime).toBe(false);
    await turn();
    expect(queue.hasTime).toBe(true);
  });

  it("does not go before what waits", async () => {
    const queue = new FairQueue();
    queue.add({}, () => true);
    expect(queue.hasTime).toBe(false);
    await untilEmpty(queue);
    expect(queue.hasTime).toBe(true);
  });
});
