import { CodedError } from "../../../../domain/errors.js";
import type { PendingAmounts } from "../../../../domain/outbox/pending-amounts.js";
import { type Subject, SubjectMap } from "../../../../domain/subject.js";
import type { CancelTimer, Clock } from "../../../../ports/clock.js";
import { type Logger, OutageLog } from "../../../../ports/logger.js";
import type { SharedPending } from "../../../../ports/shared-cache.js";
import { SteadyTime } from "../../../../ports/steady-time.js";
import type { InvalidationListener, Invalidations } from "../coherence/coherence.js";
import type { ExpiringLists, ExpiringValues, RedisCommands } from "../store/redis-commands.js";
import { outboxesKey, outboxSubjectsKey, pendingKeysPrefix } from "../store/redis-keys.js";
import {
  decodePending,
  decodePendingKey,
  encodePending,
  encodePendingKey,
  encodeSubject,
  type PendingKey,
} from "./pending-codec.js";

/** How long amounts last of a process that ended: it can be started again meanwhile, and deliver them. */
const LASTS_MS = 300_000;
/** How long an outbox stays listed that tells nothing any more: longer than clocks differ. */
const LISTED_MS = 3_600_000;
const READ_AT_ONCE = 200;
const LISTED_AT_ONCE = 1_000;
const OUTBOXES_AT_ONCE = 50;
/** After a read that failed, and how often what was not written again for too long is looked for; milliseconds. */
const AGAIN_MS = 1_000;

export interface RedisSharedPendingParts {
  readonly commands: Pick<RedisCommands, "read" | "delete"> & ExpiringLists & ExpiringValues;
  /** Of keys with the prefix of pending amounts. */
  readonly invalidations: Invalidations;
  readonly environment: string;
  /** Under which this process publishes. */
  readonly outboxId: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Known {
  readonly amounts: PendingAmounts;
  /** Milliseconds by a clock that nobody sets: without a word until then its process is taken to be gone. */
  readonly until: number;
}

/**
 * Pending amounts of each outbox and subject under a key of their own, followed by Redis's notices of what is written.
 * Whoever starts finds them by lists: of the outboxes, and of each one's subjects. So it costs Redis no look at other keys,
 * and in a Cluster one list is asked for where it lies. Who is listed may have nothing, and who has something is listed.
 */
export class RedisSharedPending implements SharedPending, InvalidationListener {
  readonly lastsMs = LASTS_MS;
  readonly #parts: RedisSharedPendingParts;
  readonly #prefix: string;
  readonly #outage: OutageLog;
  /** By the outbox. */
  readonly #others = new SubjectMap<Map<string, Known>>();
  #othersSize = 0;
  /** Keys that have been written since they were read. */
  readonly #unread = new Set<string>();
  #mustList = false;
  #isReading = false;
  #isStopped = false;
  readonly #time: SteadyTime;
  #onForgotten: (subject: Subject) => void = () => undefined;
  #onMaybeLost: () => void = () => undefined;
  #cancelLook: CancelTimer = () => undefined;

  constructor(parts: RedisSharedPendingParts) {
    this.#parts = parts;
    this.#prefix = pendingKeysPrefix(parts.environment);
    this.#outage = new OutageLog(parts.logger);
    this.#time = new SteadyTime(parts.clock);
  }

  get othersSize(): number {
    return this.#othersSize;
  }

  ofOthers(customerId: string, resourceId: string | undefined): readonly PendingAmounts[] | undefined {
    const byOutbox = this.#others.get({ customerId, resourceId });
    return byOutbox && Array.from(byOutbox.values(), ({ amounts }) => amounts);
  }

  async write(pending: readonly { readonly subject: Subject; readonly amounts: PendingAmounts }[]): Promise<void> {
    const { commands, environment, outboxId, clock } = this.#parts;
    const list = outboxSubjectsKey(environment, outboxId);
    const values: [string, string][] = [];
    const gone: string[] = [];
    const listed: string[] = [];
    const unlisted: string[] = [];
    for (const { subject, amounts } of pending) {
      const key = encodePendingKey(this.#prefix, { outboxId, subject });
      const member = encodeSubject(subject);
      if (amounts.size === 0) {
        gone.push(key);
        unlisted.push(member);
      } else {
        values.push([key, encodePending(amounts)]);
        listed.push(member);
      }
    }
    if (listed.length > 0) {
      const now = clock.now();
      await commands.list(outboxesKey(environment), [outboxId], now, LISTED_MS);
      await commands.list(list, listed, now, LISTED_MS);
    }
    await commands.setFor(values, LASTS_MS);
    await commands.delete(gone);
    await commands.unlist(list, unlisted);
  }

  start(onForgotten: (subject: Subject) => void, onMaybeLost: () => void): void {
    this.#onForgotten = onForgotten;
    this.#onMaybeLost = onMaybeLost;
    this.#time.start();
    this.#parts.invalidations.start(this);
    this.#look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelLook();
    this.#time.stop();
    await this.#parts.invalidations.stop();
  }

  coherent(): void {
    this.invalidatedAll();
  }

  invalidatedAll(): void {
    this.#mustList = true;
    this.#onMaybeLost();
    void this.#readAll();
  }

  invalidated(key: string): void {
    const { outboxId } = decodePendingKey(this.#prefix, key) ?? {};
    if (outboxId === undefined || outboxId === this.#parts.outboxId) return;
    this.#unread.add(key);
    void this.#readAll();
  }

  /** What is known stays as it is, for as long as it lasts. */
  incoherent(): void {
    return undefined;
  }

  async #readAll(): Promise<void> {
    if (this.#isReading || this.#isStopped) return;
    this.#isReading = true;
    try {
      // All that is written in one turn is read at once.
      await new Promise((resolve) => setImmediate(resolve));
      while (this.#mustList || this.#unread.size > 0) {
        if (this.#mustList) await this.#readLists();
        else await this.#readSome();
      }
      this.#outage.works("what waits in the outboxes of others is read from Redis again");
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      // Tried again by and by: see #look.
      this.#outage.lost(
        "warn",
        "what waits in the outboxes of others cannot be read from Redis: checks do not count it yet",
        { error },
      );
    } finally {
      this.#isReading = false;
    }
  }

  async #readLists(): Promise<void> {
    const { commands, environment, outboxId } = this.#parts;
    this.#mustList = false;
    const known = new Set<string>();
    for (const [subject, id] of this.#everyKnown())
      known.add(encodePendingKey(this.#prefix, { outboxId: id, subject }));
    const readList = async (id: string) => {
      for await (const members of commands.listed(outboxSubjectsKey(environment, id), LISTED_AT_ONCE)) {
        for (const member of members) {
          const key = `${this.#prefix}${id}:${member}`;
          const owner = decodePendingKey(this.#prefix, key);
          if (owner?.outboxId === outboxId) this.#onForgotten(owner.subject);
          else if (owner !== undefined) this.#unread.add(key);
        }
      }
    };
    try {
      // What the process before this one told is found also where the outbox is no longer listed.
      const ids = new Set([outboxId]);
      for await (const page of commands.listed(outboxesKey(environment), LISTED_AT_ONCE))
        for (const id of page) ids.add(id);
      const all = [...ids];
      for (let from = 0; from < all.length; from += OUTBOXES_AT_ONCE)
        await Promise.all(all.slice(from, from + OUTBOXES_AT_ONCE).map(readList));
    } catch (error) {
      this.#mustList = true;
      throw error;
    }
    // What is there no more reads as nothing.
    for (const key of known) this.#unread.add(key);
  }

  async #readSome(): Promise<void> {
    const keys: string[] = [];
    for (const key of this.#unread) if (keys.push(key) === READ_AT_ONCE) break;
    // What is written from here on is read again.
    for (const key of keys) this.#unread.delete(key);
    try {
      const values = await this.#parts.commands.read(keys);
      for (const [index, key] of keys.entries()) this.#learn(key, values[index] ?? null);
    } catch (error) {
      for (const key of keys) this.#unread.add(key);
      throw error;
    }
  }

  #learn(key: string, value: string | null): void {
    const owner = decodePendingKey(this.#prefix, key);
    if (owner === undefined) return;
    const amounts = value === null ? undefined : decodePending(value);
    if (amounts === undefined) {
      this.#forget(owner);
      return;
    }
    let byOutbox = this.#others.get(owner.subject);
    if (byOutbox === undefined) {
      this.#others.set(owner.subject, (byOutbox = new Map<string, Known>()));
      this.#othersSize++;
    }
    byOutbox.set(owner.outboxId, { amounts, until: this.#time.now() + LASTS_MS });
  }

  #forget({ outboxId, subject }: PendingKey): void {
    const byOutbox = this.#others.get(subject);
    if (byOutbox?.delete(outboxId) !== true || byOutbox.size > 0) return;
    this.#others.delete(subject);
    this.#othersSize--;
  }

  *#everyKnown(): Iterable<readonly [Subject, string, Known]> {
    for (const [subject, byOutbox] of this.#others.entries())
      for (const [outboxId, known] of byOutbox) yield [subject, outboxId, known];
  }

  #look(): void {
    const now = this.#time.now();
    for (const [subject, outboxId, { until }] of [...this.#everyKnown()])
      if (now > until) this.#forget({ outboxId, subject });
    void this.#readAll();
    this.#cancelLook = this.#parts.clock.after(AGAIN_MS, () => this.#look());
  }
}
