import { describe, expect, it } from "@jest/globals";
import { FairQueue } from "../../../../../src/adapters/rpc/exchange/fair-queue.js";

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
});
