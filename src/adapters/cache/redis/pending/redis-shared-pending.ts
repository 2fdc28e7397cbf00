import { CodedError } from "../../../../domain/errors.js";
import type { PendingAmounts } from "../../../../domain/outbox/pending-amounts.js";
import type { Subject } from "../../../../domain/subject.js";
import { SubjectMap } from "../../../../domain/subject-map.js";
import type { CancelTimer, Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import { OutageLog } from "../../../../ports/outage-log.js";
import type { SharedPending } from "../../../../ports/shared-pending.js";
import type { InvalidationListener, Invalidations } from "../coherence/invalidations.js";
import type { ExpiringValues } from "../store/expiring-values.js";
import type { RedisCommands } from "../store/redis-commands.js";
import type { RedisInsight } from "../store/redis-insight.js";
import { pendingKeysPrefix } from "../store/redis-keys.js";
import { decodePending, decodePendingKey, encodePending, encodePendingKey, type PendingKey } from "./pending-codec.js";

/** How long amounts last of a process that ended: it can be started again meanwhile, and deliver them. */
const LASTS_MS = 300_000;
const READ_AT_ONCE = 200;
const SCANNED_AT_ONCE = 1_000;
/** After a read that failed, and how often what was not written again for too long is looked for; milliseconds. */
const AGAIN_MS = 1_000;

export interface RedisSharedPendingParts {
  readonly commands: Pick<RedisCommands, "read" | "delete"> & Pick<RedisInsight, "scan"> & ExpiringValues;
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
  /** Epoch milliseconds: without a word until then its process is taken to be gone. */
  readonly until: number;
}

/** Pending amounts of each outbox and subject under a key of their own, followed by Redis's notices of what is written. */
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
  #mustScan = false;
  #isReading = false;
  #isStopped = false;
  #onForgotten: (subject: Subject) => void = () => undefined;
  #cancelLook: CancelTimer = () => undefined;

  constructor(parts: RedisSharedPendingParts) {
    this.#parts = parts;
    this.#prefix = pendingKeysPrefix(parts.environment);
    this.#outage = new OutageLog(parts.logger);
  }

  get othersSize(): number {
    return this.#othersSize;
  }

  ofOthers(customerId: string, resourceId: string | undefined): readonly PendingAmounts[] | undefined {
    const byOutbox = this.#others.get({ customerId, resourceId });
    return byOutbox && Array.from(byOutbox.values(), ({ amounts }) => amounts);
  }

  async write(pending: readonly { readonly subject: Subject; readonly amounts: PendingAmounts }[]): Promise<void> {
    const { commands, outboxId } = this.#parts;
    const values: [string, string][] = [];
    const gone: string[] = [];
    for (const { subject, amounts } of pending) {
      const key = encodePendingKey(this.#prefix, { outboxId, subject });
      if (amounts.size === 0) gone.push(key);
      else values.push([key, encodePending(amounts)]);
    }
    await commands.setFor(values, LASTS_MS);
    await commands.delete(gone);
  }

  start(onForgotten: (subject: Subject) => void): void {
    this.#onForgotten = onForgotten;
    this.#parts.invalidations.start(this);
    this.#look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelLook();
    await this.#parts.invalidations.stop();
  }

  coherent(): void {
    this.invalidatedAll();
  }

  invalidatedAll(): void {
    this.#mustScan = true;
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
      while (this.#mustScan || this.#unread.size > 0) {
        if (this.#mustScan) await this.#scan();
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

  async #scan(): Promise<void> {
    const { commands, outboxId } = this.#parts;
    this.#mustScan = false;
    const known = new Set<string>();
    for (const [subject, id] of this.#everyKnown())
      known.add(encodePendingKey(this.#prefix, { outboxId: id, subject }));
    try {
      for await (const keys of commands.scan(this.#prefix, SCANNED_AT_ONCE)) {
        for (const key of keys) {
          const owner = decodePendingKey(this.#prefix, key);
          if (owner?.outboxId === outboxId) this.#onForgotten(owner.subject);
          else if (owner !== undefined) this.#unread.add(key);
        }
      }
    } catch (error) {
      this.#mustScan = true;
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
    byOutbox.set(owner.outboxId, { amounts, until: this.#parts.clock.now() + LASTS_MS });
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
    const now = this.#parts.clock.now();
    for (const [subject, outboxId, { until }] of [...this.#everyKnown()])
      if (now > until || until - now > LASTS_MS) this.#forget({ outboxId, subject });
    void this.#readAll();
    this.#cancelLook = this.#parts.clock.after(AGAIN_MS, () => this.#look());
  }
}
