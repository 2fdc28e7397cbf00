import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Redis } from "ioredis";
import { newestWinsCalls } from "../../../src/adapters/cache/redis-client/commands/newest-wins-script.js";
import { lockCommand, unlockCall } from "../../../src/adapters/cache/redis-client/commands/simple-commands.js";
import { type RedisServer as RealRedis, startRedis } from "../../builders/redis-servers.js";
import { Random } from "../../model/random.js";
import { type RedisReply, RedisServer } from "../../simulation/servers/redis-server.js";
import { because } from "../../support/expectations.js";

/** What is only asked of a script: its text and, once it is known, its digest. */
type Command = readonly (string | number)[];

let real: RealRedis;
let redis: Redis;

beforeAll(async () => {
  real = await startRedis();
  redis = new Redis(real.port, "127.0.0.1", { protocol: 2 });
});

afterAll(async () => {
  redis.disconnect();
  await real.stop();
});

/** Sends the same commands to a real server and to the model of it. */
async function both(commands: readonly Command[]): Promise<readonly (readonly [real: unknown, model: unknown])[]> {
  await redis.flushall();
  const model = new RedisServer(() => Date.now());
  const connection = model.connect({ push: () => undefined });
  const replies: (readonly [unknown, unknown])[] = [];
  for (const command of commands) {
    const [name = "", ...args] = command.map(String);
    const received = await redis.call(name, ...args).catch((error: unknown) => error);
    replies.push([plain(received), plain(model.execute(connection, [name, ...args]))]);
  }
  return replies;
}

/** Of an error what the product judges by. */
function plain(reply: unknown): unknown {
  if (reply instanceof Error) return `error ${reply.message.split(" ")[0] ?? ""}`;
  return Array.isArray(reply) ? (reply as readonly RedisReply[]).map(plain) : reply;
}

function someCommand(random: Random): Command {
  const key = random.pick(["a", "b", "a#timestamp", "b#timestamp"]);
  switch (random.below(10)) {
    case 0:
      return ["GET", key];
    case 1:
      return ["MGET", "a", "b", key];
    case 2:
      return ["SET", key, random.below(5)];
    case 3:
      return ["DEL", key];
    case 4:
      return ["EXISTS", key];
    case 5:
      return lockCommand("lock", random.pick(["x", "y"]), 60_000);
    case 6: {
      const { script, keys, args } = unlockCall("lock", random.pick(["x", "y"]));
      return ["EVAL", script.source, keys.length, ...keys, ...args];
    }
    case 7:
      return ["EVALSHA", "0".repeat(40), 0];
    default: {
      const updatedAt = random.pick([undefined, 0, 1, 2, 3, 1_800_000_000_000]);
      const writes = random
        .some(["a", "b"], 0.7)
        .map((each) => ({ key: each, value: `v${random.below(9)}`, updatedAt }));
      const [call] = newestWinsCalls(
        [{ writes, onlyIfExists: random.chance(0.4) ? "a#timestamp" : undefined }],
        7,
        random.chance(0.5) ? -1 : 60_000,
      );
      if (call === undefined) return ["PING"];
      return ["EVAL", call.script.source, call.keys.length, ...call.keys, ...call.args];
    }
  }
}

describe("the model of Redis answers as a real server does", () => {
  it.each([1, 2, 3, 4, 5])("to commands and scripts of the product, by seed %i", async (seed) => {
    const random = new Random(seed);
    const replies = await both(Array.from({ length: 300 }, () => someCommand(random)));
    for (const [index, [received, model]] of replies.entries())
      because(`command ${index}`, () => expect(model).toEqual(received));
  });

  it("to transactions that others disturb", async () => {
    const other = redis.duplicate();
    const model = new RedisServer(() => Date.now());
    const [one, two] = [model.connect({ push: () => undefined }), model.connect({ push: () => undefined })];
    try {
      await redis.flushall();
      for (const isDisturbed of [true, false]) {
        await redis.watch("a");
        model.execute(one, ["WATCH", "a"]);
        if (isDisturbed) await other.set("a", "1");
        if (isDisturbed) model.execute(two, ["SET", "a", "1"]);
        const received = await redis.multi().set("a", "2").exec();
        model.execute(one, ["MULTI"]);
        model.execute(one, ["SET", "a", "2"]);
        expect(model.execute(one, ["EXEC"])).toEqual(received === null ? null : received.map(([, reply]) => reply));
      }
    } finally {
      other.disconnect();
    }
  });
});
