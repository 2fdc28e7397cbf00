import { isFarAhead, MAX_AHEAD_MS } from "../../../../domain/with-default-timestamps.js";
import type { WriteGroup, WriteOutcome } from "../../redis/store/redis-commands.js";
import { timestampKey } from "../../redis/store/redis-keys.js";
import { byGroup, outcomeOf } from "../commands/newest-wins-script.js";
import { redisScript, runScripts, type ScriptCall } from "../commands/run-scripts.js";
import type { RedisCommand, Reply } from "../link/command-batches.js";
import { accepted } from "../link/redis-link.js";

/**
 * A key and its timestamp's lie on different nodes, and no script spans them. The time that decides is the one
 * that the value itself begins with; another client's value has none, and what its timestamp key said just before
 * has to do.
 *
 * ARGV: milliseconds to live (or less than 0), the value, its timestamp ("" or "0": written whatever is stored), the
 * timestamp of the timestamp key, what is stored may have at the latest ("": any), now.
 */
const NEWEST_VALUE = redisScript(`
local writtenAt = ARGV[3]
local isOrdered = writtenAt ~= '' and writtenAt ~= '0'
if isOrdered or ARGV[5] ~= '' then
  local stored = redis.call('GET', KEYS[1])
  local storedAt = stored and (string.match(stored, '"sidecar":{"updatedAt":([-+.%deE]+)') or ARGV[4])
  local time = storedAt and (tonumber(storedAt) or 0)
  if time and time > tonumber(ARGV[6]) + ${MAX_AHEAD_MS} then time = 0 end
  if time and ARGV[5] ~= '' and time > tonumber(ARGV[5]) then return 2 end
  if time and isOrdered and time > tonumber(writtenAt) then return {stored, storedAt} end
end
if tonumber(ARGV[1]) < 0 then redis.call('SET', KEYS[1], ARGV[2]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[1]) end
return 1
`);

/** Advice to other clients; never turned back by who comes late. ARGV: milliseconds to live, the timestamp, 1 where it has to be, now. */
const NEWEST_TIMESTAMP = redisScript(`
local stored = tonumber(redis.call('GET', KEYS[1]) or '')
local writtenAt = ARGV[2]
if ARGV[3] ~= '1' and stored and stored > tonumber(writtenAt) and stored <= tonumber(ARGV[4]) + ${MAX_AHEAD_MS} then writtenAt = redis.call('GET', KEYS[1]) end
if tonumber(ARGV[1]) < 0 then redis.call('SET', KEYS[1], writtenAt) else redis.call('SET', KEYS[1], writtenAt, 'PX', ARGV[1]) end
return 1
`);

export interface ByKeySettings {
  readonly keysTtlMs: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

type SendByKey = (
  commands: readonly { readonly key: string; readonly command: RedisCommand }[],
) => Promise<readonly Reply[]>;

/** Three round trips: what is there, the values, their timestamps. */
export async function writeNewestByKey(
  groups: readonly WriteGroup[],
  { keysTtlMs, now }: ByKeySettings,
  send: SendByKey,
): Promise<readonly (readonly WriteOutcome[])[]> {
  const stored = await lookUp(groups, send);
  const writes = groups.flatMap((group) => {
    const refusal = refusalOf(group, stored, now);
    return group.writes.map((write) => ({ ...write, unlessLater: group.unlessLater, refusal }));
  });
  const wanted = writes.filter(({ refusal }) => refusal === undefined);
  const replies = await runByKey(
    wanted.map(({ key, value, updatedAt, unlessLater }) => ({
      script: NEWEST_VALUE,
      keys: [key],
      args: [
        keysTtlMs,
        value,
        updatedAt ?? "",
        stored.get(timestampKey(key)) ?? "",
        unlessLater?.key === timestampKey(key) ? unlessLater.than : "",
        now,
      ],
    })),
    send,
  );
  const written = wanted.filter((_, index) => replies[index] === 1);
  await runByKey(
    written.map(({ key, updatedAt }) => ({
      script: NEWEST_TIMESTAMP,
      keys: [timestampKey(key)],
      args: [keysTtlMs, updatedAt ?? now, updatedAt === undefined || updatedAt === 0 ? 1 : 0, now],
    })),
    send,
  );
  let next = 0;
  const outcomes = writes.map(({ refusal }): WriteOutcome =>
    refusal === undefined ? outcomeOf(replies[next++]) : { outcome: refusal },
  );
  return byGroup(groups, outcomes);
}

/** @returns undefined where the group is to be written, as far as what was found before tells */
function refusalOf(
  { onlyIfExists, unlessLater }: WriteGroup,
  stored: ReadonlyMap<string, string>,
  now: number,
): "not-cached" | "withheld" | undefined {
  if (onlyIfExists !== undefined && stored.get(onlyIfExists) === undefined) return "not-cached";
  if (unlessLater === undefined) return undefined;
  const time = Number(stored.get(unlessLater.key));
  return time > unlessLater.than && !isFarAhead(time, now) ? "withheld" : undefined;
}

/** The timestamps of all keys, and whether the keys are there that have to be. */
async function lookUp(groups: readonly WriteGroup[], send: SendByKey): Promise<ReadonlyMap<string, string>> {
  const timestamps = groups.flatMap(({ writes, unlessLater }) => [
    ...writes.map(({ key }) => timestampKey(key)),
    ...(unlessLater === undefined ? [] : [unlessLater.key]),
  ]);
  const needed = groups.flatMap(({ onlyIfExists }) => onlyIfExists ?? []);
  const commands = [
    ...[...new Set(timestamps)].map((key) => ({ key, command: ["GET", key] as const })),
    ...[...new Set(needed)]
      .filter((key) => !timestamps.includes(key))
      .map((key) => ({ key, command: ["EXISTS", key] as const })),
  ];
  const replies = accepted(await send(commands));
  const found = new Map<string, string>();
  commands.forEach(({ key }, index) => {
    const reply = replies[index];
    if (typeof reply === "string" || reply === 1) found.set(key, String(reply));
  });
  return found;
}

async function runByKey(calls: readonly ScriptCall[], send: SendByKey): Promise<readonly Reply[]> {
  if (calls.length === 0) return [];
  // A script's command has its one key behind its name, its digest and the number of keys.
  return accepted(
    await runScripts(calls, (commands) => send(commands.map((command) => ({ key: String(command[3]), command })))),
  );
}
