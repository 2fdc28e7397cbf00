import { describe, expect, it } from "@jest/globals";
import { ReadBatches, type Values } from "../../../../../../src/adapters/cache/redis-client/link/read-batches.js";
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

describe("of more reads than can be under way", () => {
  const keysOf = (index: number) => Array.from({ length: 500 }, (_, key) => `${index}-${key}`);

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

  it("the newest are sent first, where not all are", async () => {
    const { batches, sent } = heldRedis();
    const reads = Array.from({ length: 400 }, (_, index) => batches.read(keysOf(index)));
    await turn();
    expect(sent[0]?.keys).toEqual([...keysOf(398), ...keysOf(399)]);
    for (const { answer } of sent) {
      answer();
      await turn();
    }
    expect(await Promise.all(reads)).toHaveLength(400);
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

  it("who waits behind newer ones is refused long before its time is up, until none waits", async () => {
    const { batches, sent, pass } = heldRedis();
    let refused = 0;
    const ask = (index: number) => batches.read(keysOf(index)).catch(() => refused++);
    for (let index = 0; index < 300; index++) void ask(index);
    await turn();
    pass(26);
    sent[0]?.answer();
    await turn();
    // Four batches of two under way, and a fifth that was taken before the others were refused.
    expect(refused).toBe(300 - 10);
    const reads = [ask(300), ask(301), ask(302)];
    for (let index = 1; index < sent.length || index < 6; index++) {
      sent[index]?.answer();
      await turn();
    }
    await Promise.all(reads);
    expect(refused).toBe(300 - 10);
    expect(sent.flatMap(({ keys }) => keys)).toEqual(expect.arrayContaining(keysOf(300)));
  });

  it("the oldest are refused at once where their turn would come too late", async () => {
    const { batches, sent } = heldRedis();
    const outcomes: string[] = [];
    for (let index = 0; index < 1_000; index++) {
      batches.read([`${index}`]).then(
        () => outcomes.push(`${index} read`),
        (error: unknown) => outcomes.push(`${index} ${errorCodeOf(error)}`),
      );
      // Four under way, and from then on all wait.
      if (index < 4) await turn();
    }
    await turn();
    expect(outcomes[0]).toBe("4 resource-exhausted");
    expect(outcomes.every((outcome) => outcome.endsWith("resource-exhausted"))).toBe(true);
    for (const { answer } of sent) {
      answer();
      await turn();
    }
    expect(outcomes).toHaveLength(1_000);
    expect(outcomes).toContain("999 read");
  });

  it("as many may wait as are answered within the patience", async () => {
    const { batches, sent, pass } = heldRedis();
    let refused = 0;
    const readMany = (count: number) => {
      for (let index = 0; index < count; index++) batches.read(keysOf(index).slice(0, 100)).catch(() => refused++);
    };
    readMany(240);
    await turn();
    // Ten reads a millisecond, in batches that are under way together.
    for (let batch = 0; batch < 400; batch++) {
      pass(1);
      sent[batch]?.answer();
      readMany(10);
      await turn();
    }
    expect(refused).toBe(0);
    readMany(400);
    await turn();
    expect(refused).toBe(0);
    readMany(600);
    await turn();
    expect(refused).toBeGreaterThan(0);
  });
});
