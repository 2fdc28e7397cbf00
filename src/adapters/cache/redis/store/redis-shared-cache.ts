import { randomUUID } from "node:crypto";
import type { EntitlementsUpdated, UsageUpdated } from "../../../../domain/change.js";
import { isEmptyState } from "../../../../domain/customer-state.js";
import { CodedError } from "../../../../domain/errors.js";
import type { Subject } from "../../../../domain/subject.js";
import { withDefaultTimestamps } from "../../../../domain/with-default-timestamps.js";
import type { Clock } from "../../../../ports/clock.js";
import type { SharedCache, SharedCacheStatistics, SharedWrite } from "../../../../ports/shared-cache.js";
import { FieldFault } from "../../../../wire/fault-log.js";
import { Fields } from "../../../../wire/fields.js";
import { encodeState, encodeUsage } from "../codec/encode-state.js";
import { decodeRecord, type StateTrust } from "../codec/sidecar-record.js";
import { mayWriteKeys } from "./key-ownership.js";
import type { RedisCommands, RedisInsight, WriteGroup } from "./redis-commands.js";
import { confirmedKey, KEY_MARKS, purgedKeys, stateKey, stateKeysPrefix, timestampKey } from "./redis-keys.js";

/** Keys looked at together: small enough that nobody else waits for Redis meanwhile. */
const SCAN_BATCH = 200;
/** How long an answer that may not last is believed: "no such customer", or a trial that is over; milliseconds. */
const RECHECK_AFTER_MS = 30_000;
/** Longer than any command may take, and short enough to be of no importance where it stays behind; milliseconds. */
const PROBE_LASTS_MS = 5_000;

/** The states of one environment in Redis, as seen by who keeps them up to date. */
export class RedisSharedCache implements SharedCache {
  readonly #redis: RedisCommands & RedisInsight;
  readonly #environment: string;
  readonly #clock: Clock;
  readonly #token = randomUUID();
  /** This process's own: what another one writes there after a roll-back would hide it. */
  readonly #confirmedKey: string;
  /** The latest that Redis has confirmed to this process, epoch milliseconds. */
  #confirmedAt = -Infinity;
  #sentAt = 0;

  /** @param environment what names the environment in keys */
  constructor(redis: RedisCommands & RedisInsight, environment: string, clock: Clock) {
    this.#redis = redis;
    this.#environment = environment;
    this.#clock = clock;
    this.#confirmedKey = confirmedKey(environment, this.#token);
  }

  async write(writes: readonly SharedWrite[]): Promise<void> {
    const groups: WriteGroup[] = [];
    for (const { change, at, onlyIfCached, believedUntil, unlessStoredAfter } of writes) {
      const { subject } = change;
      const { writes: keys } =
        change.type === "usage-updated" ? this.#usage(change, at) : this.#state(change, at, believedUntil);
      if (
        !(await this.#mayWrite(
          subject,
          keys.map(({ key }) => key),
        ))
      )
        continue;
      const mark = this.#mark(subject);
      groups.push({
        writes: keys,
        onlyIfExists: onlyIfCached ? mark : undefined,
        unlessLater: unlessStoredAfter === undefined ? undefined : { key: mark, than: unlessStoredAfter },
      });
    }
    if (groups.length === 0) return;
    // Beside the data, so that it is lost with it; each later than the one before.
    const at = (this.#sentAt = Math.max(this.#clock.now(), this.#sentAt + 1));
    groups.push({ writes: [{ key: this.#confirmedKey, value: String(at), updatedAt: at }] });
    await this.#redis.writeNewest(groups);
    this.#confirmedAt = Math.max(this.#confirmedAt, at);
  }

  async hasOlderData(): Promise<boolean> {
    if (this.#confirmedAt === -Infinity) return false;
    const [stored = null] = await this.#redis.read([this.#confirmedKey]);
    return stored === null || Number(stored) < this.#confirmedAt;
  }

  async isCached(subject: Subject): Promise<boolean> {
    const [timestamp] = await this.#redis.read([this.#mark(subject)]);
    return timestamp !== null && (await this.#mayWrite(subject));
  }

  async purge(subject: Subject): Promise<void> {
    if (await this.#mayWrite(subject)) await this.#redis.delete(purgedKeys(this.#environment, subject));
  }

  async *subjects(): AsyncIterable<readonly Subject[]> {
    for await (const keys of this.#redis.scan(stateKeysPrefix(this.#environment), SCAN_BATCH)) {
      yield await storedSubjects(this.#environment, keys, this.#redis);
    }
  }

  async probe(): Promise<void> {
    if (!this.isConnected) throw new CodedError("unavailable", "there is no connection to Redis");
    const key = `${this.#environment}:persistent-cache-probe`;
    // Where another process has it, Redis took a write just now.
    if (await this.#redis.lock(key, this.#token, PROBE_LASTS_MS)) await this.#redis.unlock(key, this.#token);
  }

  async statistics(): Promise<SharedCacheStatistics> {
    const { keyspaceHits, keyspaceMisses, usedMemoryBytes } = await this.#redis.stats();
    return { hits: keyspaceHits, misses: keyspaceMisses, memoryBytes: usedMemoryBytes };
  }

  get isConnected(): boolean {
    return this.#redis.isConnected;
  }

  onConnectionChange(listener: () => void): void {
    this.#redis.onConnectionChange(listener);
  }

  #usage({ subject, entitlement, usage }: UsageUpdated, at: number): WriteGroup {
    return {
      writes: [encodeUsage(this.#environment, subject, entitlement, { ...usage, updatedAt: usage.updatedAt ?? at })],
    };
  }

  #state({ subject, state }: EntitlementsUpdated, at: number, believedUntil = Infinity): WriteGroup {
    const lasts = !isEmptyState(state) && state.validUntil > at;
    const trust: StateTrust = {
      verifiedAt: at,
      recheckAt: Math.min(lasts ? state.validUntil : at + RECHECK_AFTER_MS, believedUntil),
      isVerified: true,
      // What upstream says of a resource reckons with all that it knew of the customer by then.
      globalUpdatedAt: subject.resourceId === undefined ? undefined : at,
    };
    return encodeState(this.#environment, subject, withDefaultTimestamps(state, at), trust);
  }

  /** Of two subjects that share keys, the one that came second has no place in Redis. */
  #mayWrite(subject: Subject, valueKeys?: readonly string[]): Promise<boolean> {
    return mayWriteKeys(this.#redis, this.#environment, subject, valueKeys);
  }

  /** What is there where the subject's state is. */
  #mark(subject: Subject): string {
    return timestampKey(stateKey(this.#environment, subject));
  }
}

const MARKS = [...KEY_MARKS.usages, KEY_MARKS.resource];

/**
 * Whose states some keys are. A key says that by itself where it has none of the marks that join ids; else its value
 * decides whether it is a state at all, and whose.
 */
async function storedSubjects(
  environment: string,
  keys: readonly string[],
  redis: Pick<RedisCommands, "read">,
): Promise<readonly Subject[]> {
  const subjects: Subject[] = [];
  const ambiguous: string[] = [];
  const prefix = stateKeysPrefix(environment);
  for (const key of keys) {
    if (!key.startsWith(prefix) || key.endsWith(KEY_MARKS.timestamp) || key.endsWith(KEY_MARKS.metadata)) continue;
    const name = key.slice(prefix.length);
    if (MARKS.some((mark) => name.includes(mark))) ambiguous.push(key);
    else subjects.push({ customerId: name });
  }
  if (ambiguous.length === 0) return subjects;
  const values = await redis.read(ambiguous);
  for (const [index, key] of ambiguous.entries()) {
    const subject = subjectOf(environment, key, values[index] ?? "");
    if (subject !== undefined) subjects.push(subject);
  }
  return subjects;
}

/** @returns undefined where the key is of no state */
function subjectOf(environment: string, key: string, value: string): Subject | undefined {
  try {
    const members = Fields.of(JSON.parse(value), "");
    for (const name of members.names()) {
      const member = members.object(name);
      if (name === "sidecar" || member.raw("calculatedEntitlement") === undefined) return undefined;
      const noted = decodeRecord(member)?.subject;
      if (noted !== undefined && stateKey(environment, noted) === key) return noted;
    }
    return subjectInKey(key.slice(stateKeysPrefix(environment).length));
  } catch (error) {
    if (error instanceof FieldFault || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Of a state that does not say whose it is: most ids have no marks in them. */
function subjectInKey(name: string): Subject {
  const position = name.indexOf(KEY_MARKS.resource);
  return position < 0
    ? { customerId: name }
    : { customerId: name.slice(0, position), resourceId: name.slice(position + KEY_MARKS.resource.length) };
}
