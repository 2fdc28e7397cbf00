import { RESERVE } from "../../src/adapters/outbox/outbox-disk.js";
import { OUTBOX_DEFAULTS, SegmentedOutbox } from "../../src/adapters/outbox/segmented-outbox.js";
import { AcceptReports } from "../../src/application/report/accept-reports.js";
import { DeliverReports } from "../../src/application/report/deliver-reports.js";
import { DELIVERY_LIMITS } from "../../src/application/report/delivery-pace.js";
import { CodedError } from "../../src/domain/errors.js";
import type { OutboxState } from "../../src/domain/outbox/outbox-state.js";
import type { UsageEvent, UsageReport } from "../../src/domain/usage/usage-report.js";
import type { CancelTimer, Clock } from "../../src/ports/clock.js";
import type { Durability } from "../../src/ports/outbox.js";
import { ManualClock } from "../fakes/manual-clock.js";
import { MeteredUpstream, type UpstreamMood } from "../fakes/metered-upstream.js";
import { RecordingLogger } from "../fakes/recording-logger.js";
import { type OutboxDiskFault, VirtualOutboxDisk } from "../fakes/virtual-outbox-disk.js";
import { SeededRandom } from "../faults/seeded-random.js";

/** What its caller knows of a report: it counts, it does not, or nobody answered. */
export type Fate = "accepted" | "refused" | "unknown";

export interface Sent<R> {
  readonly report: R;
  readonly fate: Fate;
}

const HOUR = 3_600_000;
const CUSTOMERS = ["acme", "beta", "archived"] as const;
const MOODS: readonly UpstreamMood[] = [
  "unreachable",
  "throttled",
  "loses-requests",
  "loses-answers",
  "broken",
  "refuses-the-key",
  "takes-parts-of-bulks",
];
const DISK_FAULTS: readonly OutboxDiskFault[] = ["no-space", "sync-fails", "kill", "power-cut"];
/** So many reports of one customer, whose values are powers of two: their sum tells which of them it has. */
export const MAX_REPORTS = 45;

interface Process {
  readonly outbox: SegmentedOutbox;
  readonly accept: AcceptReports;
  readonly deliver: DeliverReports;
  readonly end: () => void;
}

/** One sidecar's outbox with a disk, an upstream and a time that are made for it; all that happens follows from the seed. */
export class OutboxWorld {
  readonly clock = new ManualClock();
  readonly random: SeededRandom;
  readonly disk: VirtualOutboxDisk;
  readonly upstream: MeteredUpstream;
  readonly logger = new RecordingLogger();
  readonly deltas = new Map<string, Sent<UsageReport>>();
  readonly sets: Sent<UsageReport>[] = [];
  readonly events = new Map<string, Sent<UsageEvent>>();
  readonly durability: Durability;
  /** How many files were changed under a process. */
  changes = 0;
  readonly #counts = new Map<string, number>();
  #process: Process | undefined;
  #tasks: (() => void)[] = [];
  #trueTime = 0;
  #setAt = 0;
  /** How often the clock was set, and how often when the process began. */
  #steps = 0;
  #stepsAtStart = 0;
  /** By how much the wall clock is off: timers do not heed it. */
  #offset = 0;
  readonly #unanswered = new Map<Promise<unknown>, () => void>();
  readonly #sentAt = new Map<string, { readonly steps: number; readonly at: number }>();

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    const fraction = () => this.random.fraction();
    this.durability = this.random.oneOf(["process", "power"]);
    this.disk = new VirtualOutboxDisk(fraction);
    this.upstream = new MeteredUpstream(() => this.#trueTime, fraction);
    this.upstream.archived.add("archived");
  }

  get state(): OutboxState {
    return this.#running().outbox.state;
  }

  /** Lets a random thing happen, and what follows from it. */
  async step(): Promise<void> {
    const luck = this.random.fraction();
    if (luck < 0.4) this.#report();
    else if (luck < 0.47) this.#reportEvents();
    else if (luck < 0.52) this.#repeat();
    else if (luck < 0.75) await this.pass(this.random.oneOf([1, 50, 200, 1_000, 10_000]));
    else if (luck < 0.8) await this.pass(this.random.integer(1, 40) * 600_000);
    else if (luck < 0.88) this.upstream.mood = this.random.fraction() < 0.5 ? "fine" : this.random.oneOf(MOODS);
    else if (luck < 0.92) this.#strike();
    else if (luck < 0.95) this.disk.isFull = !this.disk.isFull;
    else if (luck < 0.97) await this.restart();
    else if (luck < 0.98) await this.#setClock(this.random.integer(-30, 30) * HOUR);
    else if (luck < 0.985) await this.#outage();
    else if (luck < 0.995) await this.#changeFile();
    await this.settle();
    if (this.disk.isDown) await this.restart();
  }

  /** Everything works again, and time passes until nothing waits. */
  async heal(): Promise<void> {
    this.upstream.mood = "fine";
    this.disk.isFull = false;
    this.disk.fault = undefined;
    await this.restart();
    for (let hours = 0; hours < 500 && this.state.pending > 0; hours++) await this.pass(hours < 100 ? 10_000 : HOUR);
  }

  /** The process ends, well or not, and another begins. */
  async restart(): Promise<void> {
    const process = this.#process;
    if (process !== undefined && !this.disk.isDown && this.random.fraction() < 0.3) {
      const stopping = process.deliver.stop().then(() => process.outbox.close());
      await this.settle();
      await this.pass(5_000);
      await stopping;
    }
    process?.end();
    if (!this.disk.isDown) this.disk.kill();
    this.#tasks = [];
    for (const tell of this.#unanswered.values()) tell();
    this.#unanswered.clear();
    this.#stepsAtStart = this.#steps;
    this.#process = this.#start();
    await this.settle();
  }

  async pass(ms: number): Promise<void> {
    const steps = Math.min(20, Math.max(1, Math.ceil(ms / 100)));
    for (let i = 0; i < steps && !this.disk.isDown; i++) {
      this.#trueTime += ms / steps;
      this.clock.advance(ms / steps);
      await this.settle();
    }
  }

  /** Until nothing happens any more by itself. */
  async settle(): Promise<void> {
    let rounds = 0;
    for (let idle = 0; idle < 2; idle++) {
      // Nothing here waits for the machine: what follows from what is a chain of promises.
      for (let i = 0; i < 25; i++) await Promise.resolve();
      const tasks = this.#tasks;
      this.#tasks = [];
      for (const task of tasks) task();
      if (tasks.length > 0) idle = -1;
      if (++rounds > 2_000) throw new Error("what follows from one thing does not end");
    }
  }

  #wall(): number {
    return this.clock.now() + this.#offset;
  }

  #running(): Process {
    return (this.#process ??= this.#start());
  }

  #start(): Process {
    let isAlive = true;
    const whileAlive = (act: () => void) => () => {
      if (isAlive) act();
    };
    const clock: Clock = {
      now: () => this.#wall(),
      elapsed: () => this.clock.elapsed(),
      after: (ms, callback): CancelTimer => this.clock.after(ms, whileAlive(callback)),
    };
    const outbox = new SegmentedOutbox(
      this.disk.mount(),
      {
        ...OUTBOX_DEFAULTS,
        durability: this.durability,
        maxBytes: 1e9,
        segmentBytes: 1_500,
        compactBytes: 4_000,
        soon: (callback) => void this.#tasks.push(whileAlive(callback)),
      },
      clock,
      this.logger,
    );
    const deliver = new DeliverReports({
      outbox,
      upstream: this.upstream,
      clock,
      logger: this.logger,
      limits: { ...DELIVERY_LIMITS, reportsPerBulk: 5, eventsPerBatch: 4 },
      remember: () => Promise.resolve(),
      isUpstreamDown: () => false,
      random: () => this.random.fraction(),
    });
    deliver.start();
    const cache = { peek: () => undefined } as never;
    return {
      outbox,
      deliver,
      accept: new AcceptReports(outbox, cache, clock, () => deliver.wake()),
      end: () => (isAlive = false),
    };
  }

  #report(): void {
    const customerId = this.random.oneOf(CUSTOMERS);
    if (this.random.fraction() < 0.2) {
      this.#setAt++;
      this.#sendSet({
        subject: { customerId: "acme" },
        featureId: "level",
        value: this.#setAt,
        updateBehavior: "SET",
        dimensions: new Map(),
        timestamp: undefined,
        idempotencyKey: `set-${this.#setAt}`,
      });
      return;
    }
    const reports = Array.from({ length: this.random.oneOf([1, 1, 1, 3]) }, () => this.#nextDelta(customerId)).filter(
      (report) => report !== undefined,
    );
    if (reports.length > 0) this.#sendDeltas(reports);
  }

  #nextDelta(customerId: string): UsageReport | undefined {
    const count = this.#counts.get(customerId) ?? 0;
    if (count >= MAX_REPORTS) return undefined;
    this.#counts.set(customerId, count + 1);
    const keyOrigin = this.random.oneOf(["caller", "generated"] as const);
    const timestamp = this.random.fraction() < 0.2 ? this.#wall() - 5_000 : undefined;
    return {
      subject: { customerId },
      featureId: "calls",
      value: 2 ** count,
      updateBehavior: "DELTA",
      dimensions: new Map(),
      timestamp,
      idempotencyKey: `${customerId}-${count}`,
      keyOrigin,
    };
  }

  #sendDeltas(reports: readonly UsageReport[]): void {
    for (const { idempotencyKey } of reports)
      if (!this.#sentAt.has(idempotencyKey))
        this.#sentAt.set(idempotencyKey, { steps: this.#steps, at: this.#trueTime });
    const received = (fate: Fate) => {
      for (const report of reports)
        this.deltas.set(report.idempotencyKey, {
          report,
          fate: better(this.deltas.get(report.idempotencyKey)?.fate, fate),
        });
    };
    this.#answered(this.#running().accept.reportBulk(reports), received);
  }

  #sendSet(report: UsageReport): void {
    const index = this.sets.push({ report, fate: "unknown" }) - 1;
    this.#answered(this.#running().accept.report(report), (fate) => (this.sets[index] = { report, fate }));
  }

  #reportEvents(): void {
    const events = Array.from({ length: this.random.integer(1, 6) }, (): UsageEvent => {
      const customerId = this.random.oneOf(CUSTOMERS);
      return {
        eventName: "call",
        subject: { customerId },
        idempotencyKey: `event-${this.events.size}-${this.random.integer(0, 1e9)}`,
        dimensions: new Map([["n", 1]]),
        timestamp: undefined,
      };
    });
    const received = (fate: Fate) => {
      for (const event of events)
        this.events.set(event.idempotencyKey, {
          report: event,
          fate: better(this.events.get(event.idempotencyKey)?.fate, fate),
        });
    };
    this.#answered(this.#running().accept.reportEvents(events), received);
  }

  /** A caller who got no answer, or lost it, reports the same again under its key. */
  #repeat(): void {
    const known = [...this.deltas.values()].filter(
      ({ report, fate }) =>
        report.keyOrigin === "caller" && fate !== "refused" && this.#isKeyKept(report.idempotencyKey),
    );
    if (known.length > 0) this.#sendDeltas([this.random.oneOf(known).report]);
  }

  /** For a day. A process cannot know that the clock was set while none ran. */
  #isKeyKept(key: string): boolean {
    const sent = this.#sentAt.get(key);
    return sent !== undefined && sent.steps >= this.#stepsAtStart && this.#trueTime - sent.at < 24 * HOUR;
  }

  /** A process that ends before it can see that cannot know; nor can one after it where no room is left to note that it was set back. */
  async #setClock(byMs: number): Promise<void> {
    if (byMs < 0 && this.disk.isFull) return;
    this.#steps++;
    this.#offset += byMs;
    await this.pass(20_000);
  }

  #answered(answer: Promise<unknown>, received: (fate: Fate) => void): void {
    const { boots } = this.disk;
    // Whoever's process ends gets no answer.
    this.#unanswered.set(answer, () => received("unknown"));
    const settle = (fate: () => Fate) => {
      if (this.disk.boots !== boots || !this.#unanswered.delete(answer)) return;
      received(fate());
    };
    answer.then(
      () => settle(() => "accepted"),
      (error: unknown) => {
        if (!(error instanceof CodedError)) throw error;
        settle(() =>
          error.message.includes("is not counted") || error.code === "failed-precondition" ? "refused" : "unknown",
        );
      },
    );
  }

  #strike(): void {
    const fault = this.random.oneOf(DISK_FAULTS);
    // Who asked for it to outlast no more than the process does not get more.
    this.disk.fault = fault === "power-cut" && this.durability === "process" ? "kill" : fault;
  }

  /**
   * Another program changes, cuts or removes a file of the outbox, which is noticed before anything else happens. Not while
   * events wait: what they say is on disk alone.
   */
  async #changeFile(): Promise<void> {
    await this.settle();
    const { outbox } = this.#running();
    const { events, eventBatches } = outbox.state;
    if (this.disk.isDown || this.disk.isFull || events.length + eventBatches.size > 0) return;
    this.disk.fault = undefined;
    const names = this.disk.names().filter((each) => each !== RESERVE && this.disk.size(each) > 0);
    if (names.length === 0) return;
    const name = this.random.oneOf(names);
    const at = this.random.integer(0, this.disk.size(name) - 1);
    const how = this.random.oneOf(["flip", "cut", "remove"] as const);
    if (how === "flip") this.disk.flipBit(name, at);
    else if (how === "cut") this.disk.truncate(name, at);
    else this.disk.remove(name);
    this.changes++;
    const before = outbox.rewrites;
    const verified = outbox.verify(Infinity);
    await this.settle();
    await verified;
    if (outbox.rewrites === before) throw new Error(`${name} was changed (${how} at ${at}), and nobody noticed`);
  }

  async #outage(): Promise<void> {
    this.upstream.mood = this.random.oneOf(MOODS);
    for (let i = 0; i < 24; i++) {
      this.#report();
      await this.pass(3 * HOUR);
      if (this.disk.isDown) return;
    }
    this.upstream.mood = "fine";
  }
}

/** A report that was accepted once is, whatever was said when it was sent again; and of one that may have been, nothing is known. */
function better(before: Fate | undefined, now: Fate): Fate {
  if (before === "accepted" || now === "accepted") return "accepted";
  return before ?? now;
}
