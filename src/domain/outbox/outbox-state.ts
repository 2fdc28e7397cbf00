import { type Subject, SubjectMap } from "../subject.js";
import type { Dimensions } from "../usage/usage-report.js";
import { type EventBatch, EventQueue, lastOfFirstHalf } from "./event-queue.js";
import type {
  AcceptedReport,
  AcceptedUsage,
  AsideItem,
  EntryRecord,
  KeyDigest,
  OutboxRecord,
  OutboxTotals,
} from "./outbox-record.js";
import { UsageEntry, type UsageSeries } from "./usage-entry.js";
import { WaitingFilter } from "./waiting-filter.js";

const NO_TOTALS: OutboxTotals = { accepted: 0, delivered: 0, rejected: 0, stale: 0, dropped: 0 };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What an outbox holds: the fold of its records, in their order. */
export class OutboxState {
  /** Those that wait, by their ids, which ascend. */
  readonly entries = new Map<number, UsageEntry>();
  /** Those that have entries; who was served goes to the end. */
  readonly waiting = new Set<UsageSeries>();
  /** Whose and which those may be. */
  readonly filter = new WaitingFilter();
  readonly events = new EventQueue();
  readonly eventBatches = new Map<number, EventBatch>();
  readonly aside = new Map<number, AsideItem>();
  readonly totals: Mutable<OutboxTotals> = { ...NO_TOTALS };
  /** Called with each series of which something else waits than before. */
  onChange: ((series: UsageSeries) => void) | undefined;
  /** The latest time that a record has, epoch milliseconds: a clock that is behind it was set back. */
  latestAt = 0;
  readonly #series = new SubjectMap<Map<string, UsageSeries>>();
  #nextId = 1;

  get nextId(): number {
    return this.#nextId;
  }

  /** Accepted and at no end yet. */
  get pending(): number {
    const { accepted, delivered, rejected, stale } = this.totals;
    return accepted - delivered - rejected - stale;
  }

  /** When the oldest of those was accepted, epoch milliseconds. */
  oldestAt(): number | undefined {
    let oldest = this.events.acceptedAt;
    for (const { acceptedAt } of this.eventBatches.values())
      if (oldest === undefined || acceptedAt < oldest) oldest = acceptedAt;
    for (const { acceptedAt } of this.entries.values())
      return oldest === undefined ? acceptedAt : Math.min(acceptedAt, oldest);
    return oldest;
  }

  takeId(count = 1): number {
    const id = this.#nextId;
    this.#nextId += count;
    return id;
  }

  /** What waits of a subject, by feature. */
  seriesOf(subject: Subject): ReadonlyMap<string, UsageSeries> | undefined {
    return this.#series.get(subject);
  }

  /** Gives a report its place before it is written: it joins what can be delivered with it. */
  reserve(report: AcceptedReport, group: number, at: number, digest?: KeyDigest): AcceptedUsage {
    const id = this.takeId();
    const series = this.#seriesFor(report.subject, report.featureId);
    const key = `${group} ${dimensionsKey(report.dimensions)}`;
    let entry = series.open.get(key);
    if (entry?.canTake(report) !== true) {
      if (report.updateBehavior === "SET" || !hasSign(series, report.value)) series.open.clear();
      entry = this.#create(id, series, report, group, at);
      if (report.updateBehavior === "DELTA") series.open.set(key, entry);
    }
    entry.project(report.value);
    return { id, entryId: entry.id, report, group, digest };
  }

  /** It was not written. */
  cancel({ entryId, report }: AcceptedUsage): void {
    const entry = this.entries.get(entryId);
    if (entry === undefined) return;
    entry.withdraw(report.value);
    if (entry.count === 0 && entry.unwritten === 0) this.#remove(entry);
  }

  /** From here on no report joins the entry. */
  close(entry: UsageEntry): void {
    const { open } = entry.series;
    for (const [key, other] of open) if (other === entry) open.delete(key);
  }

  /** From here on what is known of the usage contains it. */
  measured(entry: UsageEntry): void {
    entry.isMeasured = true;
    this.#changed(entry.series);
  }

  /** Records were lost: whatever waits may have been tried, as far as is known. */
  suspectAll(maxBatch: number): void {
    for (const entry of this.entries.values()) entry.triedAt ??= entry.acceptedAt;
    for (let range = this.events.range(maxBatch); range !== undefined; range = this.events.range(maxBatch)) {
      this.apply({ type: "event-batch", id: this.takeId(), ...range, at: this.events.acceptedAt ?? 0 });
    }
  }

  /**
   * The records of events that wait are elsewhere by now.
   *
   * @param positions by the events' ids: one without a position is lost, and no longer among what was accepted
   * @returns how many are lost
   */
  moveEvents(positions: ReadonlyMap<number, number>): number {
    let lost = this.events.length;
    this.events.move(positions);
    lost -= this.events.length;
    for (const batch of this.eventBatches.values()) {
      lost += batch.events.length;
      batch.events = batch.events
        .filter(({ id }) => positions.has(id))
        .map(({ id }) => ({ id, position: positions.get(id) ?? 0, event: undefined }));
      lost -= batch.events.length;
      if (batch.events.length === 0) this.eventBatches.delete(batch.id);
    }
    this.totals.accepted -= lost;
    return lost;
  }

  /** @param position where the record is, for whoever reads events from it */
  apply(record: OutboxRecord, position = 0): void {
    if ("at" in record && record.at > this.latestAt) this.latestAt = record.at;
    switch (record.type) {
      case "usage-accepted":
        for (const item of record.items) this.#accept(item, record.at);
        return;
      case "events-accepted":
        for (let i = 0; i < record.events.length; i++) this.events.push(record.firstId + i, position, record.at);
        this.totals.accepted += record.events.length;
        this.#sawId(record.firstId + record.events.length - 1);
        return;
      case "entry":
        this.#restore(record);
        return;
      case "event-batch": {
        const acceptedAt = this.events.acceptedAt ?? record.at;
        this.#addBatch(record.id, { events: this.events.takeUpTo(record.lastId), acceptedAt, triedAt: record.at });
        return;
      }
      case "event-batch-split":
        this.#split(record);
        return;
      case "tried":
      case "not-arrived":
        for (const id of record.ids) {
          const tried = this.entries.get(id) ?? this.eventBatches.get(id);
          if (tried !== undefined) tried.triedAt = record.type === "tried" ? record.at : undefined;
        }
        return;
      case "delivered":
        for (const id of record.ids) this.#settle(id);
        this.totals.delivered += record.count;
        return;
      case "set-aside":
        this.#setAside(record.item);
        return;
      case "dropped":
        this.totals.dropped += this.aside.get(record.id)?.count ?? 0;
        this.aside.delete(record.id);
        return;
      case "retried":
        this.#retry(record.id, record.newId);
        return;
      case "clock-set-back":
        this.#setBack(record.byMs);
        return;
      case "totals":
        Object.assign(this.totals, record.totals);
        this.#sawId(record.nextId - 1);
        return;
      case "said-anew":
        for (const entry of [...this.entries.values()]) this.#remove(entry);
        this.events.takeUpTo(Infinity);
        this.eventBatches.clear();
        this.aside.clear();
        Object.assign(this.totals, NO_TOTALS);
        return;
      case "segment-begun":
      case "closed":
        return;
    }
  }

  #accept({ id, entryId, report, group }: AcceptedUsage, at: number): void {
    this.#sawId(id);
    let entry = this.entries.get(entryId);
    // Where records were lost, what has been tried stays as it was tried.
    if (entry === undefined || entry.isFormed)
      entry = this.#create(
        entry === undefined ? entryId : id,
        this.#seriesFor(report.subject, report.featureId),
        report,
        group,
        at,
      );
    if (entry.unwritten > 0) entry.unwritten--;
    entry.add(report);
    this.totals.accepted++;
    this.#changed(entry.series);
  }

  #restore(record: EntryRecord): void {
    this.#sawId(record.id);
    const { usage, group, acceptedAt } = record;
    const entry =
      this.entries.get(record.id) ??
      this.#create(record.id, this.#seriesFor(usage.subject, usage.featureId), usage, group, acceptedAt);
    this.totals.accepted += record.count - entry.count;
    entry.restore(record);
    this.#changed(entry.series);
  }

  /** So that the age of what was tried stays what it is. */
  #setBack(byMs: number): void {
    this.latestAt += byMs;
    for (const entry of this.entries.values()) if (entry.triedAt !== undefined) entry.triedAt += byMs;
    for (const batch of this.eventBatches.values()) if (batch.triedAt !== undefined) batch.triedAt += byMs;
  }

  #split({ id, firstHalf, secondHalf, lastOfFirst }: Extract<OutboxRecord, { type: "event-batch-split" }>): void {
    const batch = this.eventBatches.get(id);
    if (batch === undefined) return;
    this.eventBatches.delete(id);
    const { acceptedAt, triedAt } = batch;
    const last = lastOfFirst ?? lastOfFirstHalf(batch.events);
    this.#addBatch(firstHalf, { acceptedAt, triedAt, events: batch.events.filter((event) => event.id <= last) });
    this.#addBatch(secondHalf, { acceptedAt, triedAt, events: batch.events.filter((event) => event.id > last) });
  }

  #addBatch(id: number, batch: Pick<EventBatch, "events" | "acceptedAt" | "triedAt">): void {
    this.#sawId(id);
    if (batch.events.length > 0)
      this.eventBatches.set(id, {
        id,
        ...batch,
        triedSteadyAt: undefined,
        isInFlight: false,
        failures: 0,
        notBefore: 0,
      });
  }

  #setAside(item: AsideItem): void {
    this.#sawId(item.id);
    this.#settle(item.id);
    // Events of a batch are set aside one by one, and again where the process ended within that.
    if (this.aside.has(item.id)) return;
    this.aside.set(item.id, item);
    this.totals[item.list === "rejected" ? "rejected" : "stale"] += item.count;
  }

  #retry(id: number, newId: number): void {
    const item = this.aside.get(id);
    if (item === undefined) return;
    this.aside.delete(id);
    this.totals[item.list === "rejected" ? "rejected" : "stale"] -= item.count;
    if ("event" in item.content) {
      this.#sawId(newId);
      this.events.push(newId, 0, item.at, item.content.event);
      return;
    }
    const { usage, group } = item.content;
    this.totals.accepted -= item.count;
    this.#restore({
      type: "entry",
      id: newId,
      usage,
      group,
      count: item.count,
      acceptedAt: item.at,
      triedAt: undefined,
      isFormed: true,
    });
  }

  #settle(id: number): void {
    const entry = this.entries.get(id);
    if (entry !== undefined) this.#remove(entry);
    else this.eventBatches.delete(id);
  }

  #seriesFor(subject: Subject, featureId: string): UsageSeries {
    let byFeature = this.#series.get(subject);
    if (byFeature === undefined) this.#series.set(subject, (byFeature = new Map<string, UsageSeries>()));
    let series = byFeature.get(featureId);
    if (series === undefined) {
      byFeature.set(featureId, (series = { subject, featureId, entries: [], open: new Map() }));
      this.filter.add(subject, featureId);
    }
    return series;
  }

  #create(id: number, series: UsageSeries, report: AcceptedReport, group: number, at: number): UsageEntry {
    const entry = new UsageEntry(id, series, report, group, at);
    this.entries.set(id, entry);
    series.entries.push(entry);
    this.waiting.add(series);
    return entry;
  }

  #remove(entry: UsageEntry): void {
    const { series } = entry;
    this.#changed(series);
    this.entries.delete(entry.id);
    this.close(entry);
    series.entries.splice(series.entries.indexOf(entry), 1);
    this.waiting.delete(series);
    if (series.entries.length > 0) this.waiting.add(series);
    else this.#forget(series);
  }

  #forget({ subject, featureId }: UsageSeries): void {
    const byFeature = this.#series.get(subject);
    if (byFeature?.delete(featureId) === true) this.filter.remove(subject, featureId);
    if (byFeature?.size === 0) this.#series.delete(subject);
  }

  #changed(series: UsageSeries): void {
    this.onChange?.(series);
  }

  #sawId(id: number): void {
    if (id >= this.#nextId) this.#nextId = id + 1;
  }
}

/** What has another sign must not be superseded: upstream may stop at 0. */
function hasSign({ entries }: UsageSeries, value: number): boolean {
  const last = entries.at(-1);
  return last === undefined || (last.behavior === "DELTA" && last.projected < 0 === value < 0);
}

function dimensionsKey(dimensions: Dimensions): string {
  return dimensions.size === 0 ? "" : JSON.stringify([...dimensions].sort(([a], [b]) => (a < b ? -1 : 1)));
}
