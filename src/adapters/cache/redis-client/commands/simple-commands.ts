import type { RedisStats } from "../../redis/store/redis-commands.js";
import type { RedisCommand, Reply } from "../link/command-batches.js";
import { accepted } from "../link/redis-link.js";
import { redisScript, type ScriptCall } from "./run-scripts.js";

/** Of this token alone: the lock may have run out and be another's by now. */
const UNLOCK = redisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);

export const STATS_COMMANDS: readonly RedisCommand[] = [
  ["INFO", "stats"],
  ["INFO", "memory"],
];

export function lockCommand(key: string, token: string, durationMs: number): RedisCommand {
  return ["SET", key, token, "NX", "PX", durationMs];
}

export function setCommand(key: string, value: string, lastsMs: number): RedisCommand {
  return ["SET", key, value, "PX", lastsMs];
}

/** Those that a list has no longer are let go of by whoever adds to it. */
export function listCommands(
  key: string,
  members: readonly string[],
  now: number,
  lastsMs: number,
): readonly RedisCommand[] {
  const until = Math.ceil(now + lastsMs);
  return [
    ["ZADD", key, ...members.flatMap((member) => [until, member])],
    ["ZREMRANGEBYSCORE", key, "-inf", Math.floor(now)],
    ["PEXPIRE", key, Math.ceil(lastsMs)],
  ];
}

export function unlistCommand(key: string, members: readonly string[]): RedisCommand {
  return ["ZREM", key, ...members];
}

function listScanCommand(cursor: string, key: string, batchSize: number): RedisCommand {
  return ["ZSCAN", key, cursor, "COUNT", batchSize];
}

export function unlockCall(key: string, token: string): ScriptCall {
  return { script: UNLOCK, keys: [key], args: [token] };
}

function scanCommand(cursor: string, prefix: string, batchSize: number): RedisCommand {
  return ["SCAN", cursor, "MATCH", `${literally(prefix)}*`, "COUNT", batchSize];
}

export function statsOf(replies: readonly Reply[]): RedisStats {
  const text = accepted(replies).join("\r\n");
  const figure = (name: string) => Number(new RegExp(`^${name}:(\\d+)\r?$`, "m").exec(text)?.[1] ?? 0);
  return {
    keyspaceHits: figure("keyspace_hits"),
    keyspaceMisses: figure("keyspace_misses"),
    usedMemoryBytes: figure("used_memory"),
  };
}

function literally(text: string): string {
  return text.replace(/[\\*?[\]]/g, "\\$&");
}

const FIRST_AND_LAST_CURSOR = "0";

type Send = (command: RedisCommand) => Promise<Reply>;

/** All keys of one server that begin so, in batches of at least that size, except for the last. */
export function scanKeys(prefix: string, batchSize: number, send: Send): AsyncGenerator<readonly string[]> {
  return scanned((cursor) => send(scanCommand(cursor, prefix, batchSize)), batchSize);
}

/** All members of a list, in the same way. */
export async function* scanList(key: string, batchSize: number, send: Send): AsyncGenerator<readonly string[]> {
  const pages = scanned((cursor) => send(listScanCommand(cursor, key, batchSize)), 2 * batchSize);
  // Behind each member stands its score.
  for await (const page of pages) yield page.filter((_, index) => index % 2 === 0);
}

async function* scanned(ask: (cursor: string) => Promise<Reply>, batchSize: number): AsyncGenerator<readonly string[]> {
  let cursor = FIRST_AND_LAST_CURSOR;
  let found: string[] = [];
  do {
    const [reply] = accepted([await ask(cursor)]);
    const [next, items] = reply as readonly [string, readonly string[]];
    cursor = next;
    found.push(...items);
    if (found.length < batchSize) continue;
    yield found;
    found = [];
  } while (cursor !== FIRST_AND_LAST_CURSOR);
  if (found.length > 0) yield found;
}
