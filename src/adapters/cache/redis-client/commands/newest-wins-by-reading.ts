import { CodedError } from "../../../../domain/errors.js";
import { isFarAhead } from "../../../../domain/with-default-timestamps.js";
import type { KeyWrite, WriteGroup, WriteOutcome } from "../../redis/store/redis-commands.js";
import { timestampKey } from "../../redis/store/redis-keys.js";
import type { RedisCommand, Reply } from "../link/command-batches.js";
import { isForbidden } from "../link/redis-failure.js";
import { accepted } from "../link/redis-link.js";
import { byGroup } from "./newest-wins-script.js";

/** How often it is begun anew that another client wrote in between. */
const MAX_TRIES = 5;

export interface ByReadingSettings {
  readonly keysTtlMs: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

type Send = (commands: readonly RedisCommand[]) => Promise<readonly Reply[]>;

/**
 * Newest wins for a user who may run no scripts: reads what is there, compares here, and writes unless another client
 * wrote in between. Where transactions are forbidden as well, what another one writes at that time can be lost. Two
 * round trips; one call at a time on a connection, since what is watched is the connection's.
 *
 * @throws CodedError `unavailable` where others write all the time; what Redis refuses a command with
 */
export async function writeNewestByReading(
  groups: readonly WriteGroup[],
  settings: ByReadingSettings,
  { read, write }: { readonly read: Send; readonly write: Send },
): Promise<readonly (readonly WriteOutcome[])[]> {
  for (let tries = 1; tries <= MAX_TRIES; tries++) {
    const { outcomes, toWrite, isWatched } = await compare(groups, settings.now, read);
    if (await writeUnlessChanged(toWrite, isWatched, settings, write)) return byGroup(groups, outcomes);
  }
  throw new CodedError("unavailable", "other clients write the same keys all the time");
}

async function compare(groups: readonly WriteGroup[], now: number, send: Send) {
  const writes = groups.flatMap(({ writes, onlyIfExists, unlessLater }) =>
    writes.map((write) => ({ write, onlyIfExists, unlessLater })),
  );
  const keys = [
    ...new Set(
      writes.flatMap(({ write, onlyIfExists, unlessLater }) => [
        write.key,
        timestampKey(write.key),
        ...(onlyIfExists === undefined ? [] : [onlyIfExists]),
        ...(unlessLater === undefined ? [] : [unlessLater.key]),
      ]),
    ),
  ];
  const [watched, values] = await send([
    ["WATCH", ...keys],
    ["MGET", ...keys],
  ]);
  const isWatched = !isForbidden(watched);
  if (isWatched) accepted([watched]);
  const [found] = accepted([values]) as readonly [readonly (string | null)[]];
  const stored = new Map(keys.map((key, index) => [key, found[index] ?? null]));
  const timeAt = (key: string) => {
    const time = Number(stored.get(key) ?? Number.NaN);
    return isFarAhead(time, now) ? Number.NaN : time;
  };
  const toWrite: KeyWrite[] = [];
  const outcomes = writes.map(({ write, onlyIfExists, unlessLater }): WriteOutcome => {
    if (unlessLater !== undefined && timeAt(unlessLater.key) > unlessLater.than) return { outcome: "withheld" };
    if (onlyIfExists !== undefined && stored.get(onlyIfExists) === null) return { outcome: "not-cached" };
    const value = stored.get(write.key) ?? null;
    const storedAt = timeAt(timestampKey(write.key));
    if (value !== null && write.updatedAt !== undefined && write.updatedAt !== 0 && storedAt > write.updatedAt) {
      return { outcome: "older", stored: value, storedAt };
    }
    toWrite.push(write);
    return { outcome: "written" };
  });
  return { outcomes, toWrite, isWatched };
}

/** @returns false where another client wrote in between */
async function writeUnlessChanged(
  toWrite: readonly KeyWrite[],
  isWatched: boolean,
  { keysTtlMs, now }: ByReadingSettings,
  send: Send,
): Promise<boolean> {
  const set = (key: string, value: string | number): RedisCommand =>
    keysTtlMs < 0 ? ["SET", key, value] : ["SET", key, value, "PX", keysTtlMs];
  const commands = toWrite.flatMap(({ key, value, updatedAt }) => [
    set(key, value),
    set(timestampKey(key), updatedAt ?? now),
  ]);
  if (commands.length === 0) {
    if (isWatched) await send([["UNWATCH"]]);
    return true;
  }
  if (!isWatched) {
    accepted(await send(commands));
    return true;
  }
  const replies = await send([["MULTI"], ...commands, ["EXEC"]]);
  // What was refused when it was queued says why; EXEC says only that something was.
  const results = accepted(replies).at(-1);
  if (results === null) return false;
  accepted(results as readonly Reply[]);
  return true;
}
