import { describe, expect, it } from "@jest/globals";
import { ReadBatches, type Values } from "../../../../../../src/adapters/cache/redis-client/link/command-batches.js";
import { CodedError, errorCodeOf } from "../../../../../../src/domain/errors.js";

/** A Redis that answers when the test says so. */
function heldRedis(patienceMs = 100) {
  let now = 0;
  const sent: { readonly keys: readonly string[]; readonly answer: () => void; readonly fail: () => void }[] = [];
  const send = (keys: readonly string[]) =>
    new Promise<Values>((resolve, reject) => {
      sent.push({
        keys,
        answer: () => resolve(keys.map((key) => `value of ${key}`)),
        fail: () => reject(new CodedError("unavailable", "gone")),
      });
    });
  const batches = new ReadBatches({ send, now: () => now, patienceMs });
  return { batches, sent, pass: (ms: number) => (now += ms) };
}

const keysOf = (index: number) => Array.from({ length: 500 }, (_, key) => `${index}-${key}`);
const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

describe("reads of one turn", () => {
  it("go in one command, and each gets its own values", async () => {
    const { batches, sent } = heldRedis();
    const reads = [["a", "b"], ["c"], ["d", "e"]].map((keys) => batches.read(keys));
    await turn();
    expect(sent).toHaveLength(1);
    expect([...(sent[0]?.keys ?? [])].sort()).toEqual(["a", "b", "c", "d", "e"]);
    sent[0]?.answer();
    expect(await Promise.all(reads)).toEqual([
      ["value of a", "value of b"],
      ["value of c"],
      ["value of d", "value of e"],
    ]);
  });

  it("fail together, and those after them are sent all the same", async () => {
    const { batches, sent } = heldRedis();
    const reads = [batches.read(["a"]), batches.read(["b"])];
    await turn();
    sent[0]?.fail();
    for (const read of reads) await expect(read).rejects.toMatchObject({ code: "unavailable" });
    const next = batches.read(["c"]);
    await turn();
    sent[1]?.answer();
    expect(await next).toEqual(["value of c"]);
  });
});

describe("keys that are named by a function", () => {
  it("are asked for only once they are sent, and then once", async () => {
    const { batches, sent } = heldRedis();
    let name = "early";
    let asked = 0;
    for (let index = 0; index < 4; index++) {
      void batches.read([`under way ${index}`]);
      await turn();
    }
    const read = batches.read(() => [name, `asked ${++asked}`]);
    await turn();
    expect(asked).toBe(0);
    name = "late";
    sent[0]?.answer();
    await turn();
    sent[4]?.answer();
    expect(await read).toEqual(["value of late", "value of asked 1"]);
  });
});

describe("of more reads than can be under way", () => {
  it("the oldest are sent first, as long as all are answered in time", async () => {
    const { batches, sent } = heldRedis();
    const reads = Array.from({ length: 20 }, (_, index) => batches.read(keysOf(index)));
    await turn();
    expect(sent).toHaveLength(4);
    expect(sent[0]?.keys).toEqual([...keysOf(0), ...keysOf(1)]);
    for (let index = 0; index < sent.length || index < 10; index++) {
      sent[index]?.answer();
      await turn();
    }
    expect(await Promise.all(reads)).toHaveLength(20);
    expect(sent.flatMap(({ keys }) => keys)).toEqual(Array.from({ length: 20 }, (_, index) => keysOf(index)).flat());
  });

  it("those whose time has run out when their turn comes are refused instead", async () => {
    const { batches, sent, pass } = heldRedis();
    const outcomes = Array.from({ length: 10 }, (_, index) =>
      batches.read(keysOf(index)).then(
        () => "read",
        (error: unknown) => errorCodeOf(error),
      ),
    );
    await turn();
    pass(101);
    sent[0]?.answer();
    await turn();
    expect(sent).toHaveLength(4);
    for (const { answer } of sent) answer();
    expect(await Promise.all(outcomes)).toEqual([
      ...Array<string>(8).fill("read"),
      ...Array<string>(2).fill("resource-exhausted"),
    ]);
  });

  it("none is refused by a process that is slow at first, while each has its turn in time", async () => {
    const { batches, sent, pass } = heldRedis(1_000);
    let refused = 0;
    let answered = 0;
    const ask = (index: number) =>
      batches.read(keysOf(index).slice(0, 20)).then(
        () => answered++,
        () => refused++,
      );
    // Of five reads asked for each millisecond it answers one for 300 ms, then three, and from 600 ms on seven.
    let room = 0;
    for (let ms = 0; ms < 2_000; ms++) {
      for (let index = 0; index < 5; index++) void ask(ms * 5 + index);
      room += ms < 300 ? 1 : ms < 600 ? 3 : 7;
      await turn();
      while (room >= 50 && sent.length > 0) {
        sent.shift()?.answer();
        room -= 50;
      }
      pass(1);
    }
    await turn();
    expect(refused).toBe(0);
    expect(answered).toBeGreaterThan(9_500);
  });
});

describe("of more reads than are answered in time", () => {
  /** Asks for more and more until one is refused: from then on there are more than can be answered. */
  async function overloaded() {
    const { batches, sent, pass } = heldRedis();
    const outcomes: string[] = [];
    const ask = (name: string) =>
      batches.read([name]).then(
        () => outcomes.push(`${name} read`),
        (error: unknown) => outcomes.push(`${name} ${errorCodeOf(error)}`),
      );
    for (let index = 0; index < 4; index++) {
      void ask(`sent-${index}`);
      await turn();
    }
    for (let index = 0; index < 400; index++) void ask(`early-${index}`);
    expect(batches.isFull).toBe(false);
    pass(26);
    void ask("late");
    await turn();
    return { batches, sent, outcomes, pass, ask };
  }

  it("the last to come are refused at once", async () => {
    const { batches, outcomes } = await overloaded();
    expect(outcomes).toEqual(["late resource-exhausted"]);
    expect(batches.isFull).toBe(true);
  });

  it("those that were let in are read, the oldest first", async () => {
    const { sent, outcomes } = await overloaded();
    for (const { answer } of sent) {
      answer();
      await turn();
    }
    expect(outcomes.slice(1)).toEqual([
      ...Array.from({ length: 4 }, (_, index) => `sent-${index} read`),
      ...Array.from({ length: 400 }, (_, index) => `early-${index} read`),
    ]);
  });

  it("others are let in again once none waits", async () => {
    const { batches, sent, outcomes, ask } = await overloaded();
    sent.shift()?.answer();
    await turn();
    expect(batches.isFull).toBe(false);
    void ask("again");
    while (sent.length > 0) {
      sent.shift()?.answer();
      await turn();
    }
    expect(outcomes).toContain("again read");
  });

  it("a few that waited long are no overload", async () => {
    const { batches, sent, pass } = heldRedis();
    const reads = Array.from({ length: 10 }, (_, index) => batches.read(keysOf(index)));
    await turn();
    pass(99);
    reads.push(batches.read(["last"]));
    for (const { answer } of sent) {
      answer();
      await turn();
    }
    expect(await Promise.all(reads)).toHaveLength(11);
  });
});
