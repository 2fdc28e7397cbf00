import { describe, expect, it } from "@jest/globals";
import type { ChainableCommander, Redis } from "ioredis";
import { CommandBatch } from "../../../../../../src/adapters/cache/redis-client/link/command-batches.js";

/** What goes over the wire in one write each. */
function recorded() {
  const writes: string[][] = [];
  const redis = {
    pipeline() {
      const commands: string[] = [];
      return { commands, call: (name: string, args: readonly string[]) => commands.push([name, ...args].join(" ")) };
    },
  } as unknown as Redis;
  const exec = (pipeline: ChainableCommander, count: number) => {
    const { commands } = pipeline as unknown as { readonly commands: string[] };
    expect(count).toBe(commands.length);
    writes.push(commands);
    return commands.includes("FAIL")
      ? Promise.reject(new Error("gone"))
      : Promise.resolve(commands.map((command) => `reply to ${command}`));
  };
  return { batch: new CommandBatch(redis, exec), writes };
}

describe("commands of one turn", () => {
  it("go in one write, in order, and each gets its own replies", async () => {
    const { batch, writes } = recorded();
    const replies = await Promise.all([
      batch.send(
        [
          ["SET", "a"],
          ["SET", "b"],
        ],
        true,
      ),
      batch.send([["SET", "c"]], true),
      batch.send([], true),
      batch.send([["SET", "d"]], true),
    ]);
    expect(writes).toEqual([["SET a", "SET b", "SET c", "SET d"]]);
    expect(replies).toEqual([["reply to SET a", "reply to SET b"], ["reply to SET c"], [], ["reply to SET d"]]);
  });

  it("go at once with one that cannot wait, before it", async () => {
    const { batch, writes } = recorded();
    const written = batch.send([["SET", "a"]], true);
    const read = batch.send([["GET", "a"]], false);
    expect(writes).toEqual([["SET a", "GET a"]]);
    expect([await written, await read]).toEqual([["reply to SET a"], ["reply to GET a"]]);
    await batch.send([["SET", "b"]], true);
    expect(writes).toHaveLength(2);
  });

  it("fail together", async () => {
    const { batch } = recorded();
    const all = await Promise.allSettled([batch.send([["SET", "a"]], true), batch.send([["FAIL"]], true)]);
    expect(all.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
