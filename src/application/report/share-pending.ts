import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { amountsOf, type PendingAmount, type PendingAmounts } from "../../domain/outbox/pending-amounts.js";
import type { UsageSeries } from "../../domain/outbox/usage-entry.js";
import { type Subject, SubjectMap } from "../../domain/subject.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import type { SharedPending } from "../../ports/shared-cache.js";

/** How often what has changed is published, and after a failure; milliseconds. */
const PUBLISH_MS = 100;
const AGAIN_MS = 1_000;
/** What is delivered sooner is not published: others see the usage itself about as soon, milliseconds. */
const SHORT_MS = 250;
/** Of how many subjects is published at once, for how many that is looked at, and of how many at all. */
const MAX_AT_ONCE = 500;
const MAX_LOOKED_AT = 5_000;
const MAX_SUBJECTS = 50_000;
/** What was published is published again after this share of what it lasts. */
const AGAIN_SHARE = 0.4;

interface Published {
  readonly subject: Subject;
  /** Epoch milliseconds by a clock that may be set: published too often for once then. */
  readonly at: number;
}

/** Lets others who share the cache know what waits in this outbox, so that limits hold for all of them. */
export class SharePending {
  readonly #outbox: OutboxState;
  readonly #shared: SharedPending;
  readonly #clock: Clock;
  readonly #outage: OutageLog;
  readonly #room: OutageLog;
  /** Of which something else waits than was published, in the order in which it changed. */
  readonly #changed = new Set<UsageSeries>();
  /** In the order in which it was published. */
  readonly #published = new Map<string, Published>();
  readonly #places = new SubjectMap<string>();
  /** Of those, which are published again at once, by their places. */
  readonly #due = new Map<string, Subject>();
  #losses = 0;
  #lastPlace = 0;
  #cancel: CancelTimer = () => undefined;
  #publishing: Promise<void> | undefined;
  #isStopped = false;

  constructor(outbox: OutboxState, shared: SharedPending, clock: Clock, logger: Logger) {
    this.#outbox = outbox;
    this.#shared = shared;
    this.#clock = clock;
    this.#outage = new OutageLog(logger);
    this.#room = new OutageLog(logger);
  }

  start(): void {
    for (const series of this.#outbox.waiting) this.#changed.add(series);
    this.#outbox.onChange = (series) => void this.#changed.add(series);
    this.#shared.start(
      (subject) => this.#found(subject),
      () => this.#mayBeLost(),
    );
    this.#schedule(PUBLISH_MS);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancel();
    this.#outbox.onChange = undefined;
    await this.#publishing;
    // What was delivered at last.
    await this.#publish();
    await this.#shared.stop();
  }

  #schedule(afterMs: number): void {
    if (this.#isStopped) return;
    this.#cancel = this.#clock.after(afterMs, () => {
      this.#publishing = this.#publish().then((isPublished) => {
        this.#publishing = undefined;
        this.#schedule(isPublished ? PUBLISH_MS : AGAIN_MS);
      });
    });
  }

  /** It was published by the process that had the outbox before: it is taken off, unless it waits still. */
  #found(subject: Subject): void {
    if (this.#places.get(subject) !== undefined) return;
    this.#due.set(this.#remember(subject, this.#clock.now()), subject);
  }

  #mayBeLost(): void {
    this.#losses++;
    for (const [place, { subject }] of this.#published) this.#due.set(place, subject);
  }

  /** @returns whether it could be published; never rejects */
  async #publish(): Promise<boolean> {
    const now = this.#clock.now();
    const subjects = new SubjectMap<Subject>();
    const settled: UsageSeries[] = [];
    let count = 0;
    let left = Math.min(this.#changed.size, MAX_LOOKED_AT);
    for (const series of this.#changed) {
      if (count === MAX_AT_ONCE || left-- === 0) break;
      const { subject } = series;
      if (!this.#isWorthPublishing(subject, now)) {
        // Where nothing of it waits any more, nothing has to be published; else it is looked at again after the others.
        this.#changed.delete(series);
        if (this.#outbox.seriesOf(subject) !== undefined) this.#changed.add(series);
        continue;
      }
      settled.push(series);
      if (subjects.get(subject) === undefined) count++;
      subjects.set(subject, subject);
    }
    for (const subject of this.#due.values()) {
      if (count >= MAX_AT_ONCE) break;
      if (subjects.get(subject) === undefined) count++;
      subjects.set(subject, subject);
    }
    for (const { subject, at } of this.#published.values()) {
      const isDue = now < at || now - at >= this.#shared.lastsMs * AGAIN_SHARE;
      if (count >= MAX_AT_ONCE || !isDue) break;
      subjects.set(subject, subject);
      count++;
    }
    if (count === 0) return true;
    const pending = Array.from(subjects.values(), (subject) => ({ subject, amounts: this.#amountsOf(subject) }));
    // What changes from here on is published the next time.
    for (const series of settled) this.#changed.delete(series);
    const losses = this.#losses;
    try {
      await this.#shared.write(pending);
    } catch (error) {
      for (const series of settled) this.#changed.add(series);
      this.#outage.lost("warn", "others who share the cache cannot be told what waits in the outbox", { error });
      return false;
    }
    for (const { subject, amounts } of pending) {
      if (amounts.size === 0) {
        this.#forget(subject);
        continue;
      }
      const place = this.#remember(subject, now);
      if (losses !== this.#losses) this.#due.set(place, subject);
    }
    if (this.#published.size < MAX_SUBJECTS && this.#room.isLost)
      this.#room.recovered("others who share the cache are told of all that waits in the outbox");
    this.#outage.works("others who share the cache are told again what waits in the outbox");
    return true;
  }

  #isWorthPublishing(subject: Subject, now: number): boolean {
    if (this.#places.get(subject) !== undefined) return true;
    if (this.#published.size >= MAX_SUBJECTS) {
      this.#room.lost(
        "warn",
        `more than ${MAX_SUBJECTS} customers and resources have reports that wait in the outbox: others who share the cache are not told of the rest, and their checks do not count those reports yet`,
      );
      return false;
    }
    for (const { entries } of this.#outbox.seriesOf(subject)?.values() ?? [])
      for (const { count, acceptedAt } of entries)
        // What was accepted later than now waited while the clock was set back.
        if (count > 0 && (acceptedAt <= now - SHORT_MS || acceptedAt > now)) return true;
    return false;
  }

  #amountsOf(subject: Subject): PendingAmounts {
    const amounts = new Map<string, readonly PendingAmount[]>();
    for (const [featureId, { entries }] of this.#outbox.seriesOf(subject) ?? []) {
      const pending = amountsOf(entries);
      if (pending.length > 0) amounts.set(featureId, pending);
    }
    return amounts;
  }

  /** @returns its place among the published */
  #remember(subject: Subject, at: number): string {
    this.#forget(subject);
    const place = String(++this.#lastPlace);
    this.#places.set(subject, place);
    this.#published.set(place, { subject, at });
    return place;
  }

  #forget(subject: Subject): void {
    const place = this.#places.get(subject);
    if (place === undefined) return;
    this.#published.delete(place);
    this.#due.delete(place);
    this.#places.delete(subject);
  }
}
