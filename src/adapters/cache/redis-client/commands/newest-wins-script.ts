import { MAX_AHEAD_MS } from "../../../../domain/with-default-timestamps.js";
import type { WriteGroup, WriteOutcome } from "../../redis/store/redis-commands.js";
import { timestampKey } from "../../redis/store/redis-keys.js";
import type { Reply } from "../link/command-batches.js";
import { redisScript, type ScriptCall } from "./run-scripts.js";

/** Of one script, which nothing else can run beside: above some hundred keys, others would notice. */
const MAX_WRITES = 24;

/**
 * KEYS: a value's key and its timestamp's, for each write; then the keys that have to be there.
 * ARGV: milliseconds to live (or less than 0), now; then for each write its value, its timestamp ("" for none), and
 * which of the keys that have to be there is its (or 0).
 * A stored timestamp that is far ahead of now counts as none, or nothing would ever take its place.
 * Answers for each write: 1 written, 0 not cached, 2 withheld, or what is stored and newer, with its timestamp.
 *
 * @param argsBehind how many of ARGV follow
 */
const newestWins = (argsBehind: number) => `
local ttl = tonumber(ARGV[1])
local possible = tonumber(ARGV[2]) + ${MAX_AHEAD_MS}
local writes = (#ARGV - ${2 + argsBehind}) / 3
local outcomes = {}
local function set(key, value)
  if ttl < 0 then redis.call('SET', key, value) else redis.call('SET', key, value, 'PX', ttl) end
end
for i = 1, writes do
  local key, timestampKey = KEYS[2 * i - 1], KEYS[2 * i]
  local value, writtenAt, needed = ARGV[3 * i], ARGV[3 * i + 1], tonumber(ARGV[3 * i + 2])
  if needed > 0 and redis.call('EXISTS', KEYS[2 * writes + needed]) == 0 then
    outcomes[i] = 0
  else
    local stored, timestamp = false, false
    if writtenAt ~= '' and writtenAt ~= '0' then
      timestamp = redis.call('GET', timestampKey)
      local storedAt = timestamp and tonumber(timestamp)
      if storedAt and storedAt > tonumber(writtenAt) and storedAt <= possible then stored = redis.call('GET', key) end
    end
    if stored then
      outcomes[i] = {stored, timestamp}
    else
      set(key, value)
      set(timestampKey, writtenAt == '' and ARGV[2] or writtenAt)
      outcomes[i] = 1
    end
  end
end
return outcomes
`;

const NEWEST_WINS = redisScript(newestWins(0));

/** The same for one group. Last of KEYS and ARGV: a timestamp's key, and what it may have at the latest. */
const UNLESS_LATER = redisScript(`
local latest = tonumber(redis.call('GET', KEYS[#KEYS]) or '')
if latest and latest > tonumber(ARGV[#ARGV]) and latest <= tonumber(ARGV[2]) + ${MAX_AHEAD_MS} then
  local withheld = {}
  for i = 1, (#ARGV - 3) / 3 do withheld[i] = 2 end
  return withheld
end
${newestWins(1)}`);

/** The scripts that write groups, each with whole groups for as long as they fit in. */
export function newestWinsCalls(groups: readonly WriteGroup[], now: number, keysTtlMs: number): readonly ScriptCall[] {
  return batches(groups).map((batch) => {
    const needed: string[] = [];
    const keys: string[] = [];
    const args: (string | number)[] = [keysTtlMs, now];
    for (const { writes, onlyIfExists } of batch) {
      if (onlyIfExists !== undefined && !needed.includes(onlyIfExists)) needed.push(onlyIfExists);
      const needs = onlyIfExists === undefined ? 0 : needed.indexOf(onlyIfExists) + 1;
      for (const { key, value, updatedAt } of writes) {
        keys.push(key, timestampKey(key));
        args.push(value, updatedAt ?? "", needs);
      }
    }
    keys.push(...needed);
    const unlessLater = batch[0]?.unlessLater;
    if (unlessLater === undefined) return { script: NEWEST_WINS, keys, args };
    keys.push(unlessLater.key);
    args.push(unlessLater.than);
    return { script: UNLESS_LATER, keys, args };
  });
}

/** What became of the groups, from what their scripts answered. */
export function newestWinsOutcomes(
  groups: readonly WriteGroup[],
  replies: readonly Reply[],
): readonly (readonly WriteOutcome[])[] {
  const all = replies.flatMap((reply) => {
    if (reply instanceof Error) throw reply;
    return (reply as readonly unknown[]).map(outcomeOf);
  });
  return byGroup(groups, all);
}

/** The outcomes of all writes, for each group its own. */
export function byGroup(
  groups: readonly WriteGroup[],
  all: readonly WriteOutcome[],
): readonly (readonly WriteOutcome[])[] {
  let next = 0;
  return groups.map(({ writes }) => all.slice(next, (next += writes.length)));
}

const WRITTEN: WriteOutcome = { outcome: "written" };

/** @param reply of a script for one write: 1 written, 0 not cached, 2 withheld, or what is stored and newer, with its timestamp */
export function outcomeOf(reply: unknown): WriteOutcome {
  if (reply === 1) return WRITTEN;
  if (reply === 0) return { outcome: "not-cached" };
  if (reply === 2) return { outcome: "withheld" };
  const [stored, storedAt] = reply as readonly [string, string];
  return { outcome: "older", stored, storedAt: Number(storedAt) };
}

function batches(groups: readonly WriteGroup[]): readonly (readonly WriteGroup[])[] {
  const all: WriteGroup[][] = [];
  let room = 0;
  for (const group of groups.flatMap(inParts)) {
    const isAlone = group.unlessLater !== undefined;
    if (isAlone || group.writes.length > room) {
      all.push([]);
      room = MAX_WRITES;
    }
    all.at(-1)?.push(group);
    room = isAlone ? 0 : room - group.writes.length;
  }
  return all;
}

function inParts(group: WriteGroup): readonly WriteGroup[] {
  if (group.writes.length <= MAX_WRITES) return [group];
  const parts: WriteGroup[] = [];
  for (let from = 0; from < group.writes.length; from += MAX_WRITES) {
    parts.push({ ...group, writes: group.writes.slice(from, from + MAX_WRITES) });
  }
  return parts;
}
