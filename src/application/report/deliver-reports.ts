import type { UsageMeasurement } from "../../domain/usage/usage-report.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Outbox } from "../../ports/outbox.js";
import { SteadyTime } from "../../ports/steady-time.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import { DeliverEvents } from "./deliver-events.js";
import { DeliverUsage, type DeliveryParts } from "./deliver-usage.js";
import { type DeliveryLimits, DeliveryPace } from "./delivery-pace.js";
import { OutboxNotes } from "./outbox-notes.js";

export interface DeliverReportsParts {
  readonly outbox: Outbox;
  readonly upstream: UpstreamClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: DeliveryLimits;
  /** Has the next check know what upstream counts. Never rejects. */
  readonly remember: (measurements: readonly UsageMeasurement[]) => Promise<void>;
  /** Whether a circuit breaker says that upstream does not work. */
  readonly isUpstreamDown: () => boolean;
  /** From 0 (included) to 1 (excluded). */
  readonly random: () => number;
}

/** Delivers what is in the outbox, from its start to its end, for as long as it takes. */
export class DeliverReports {
  readonly #parts: DeliverReportsParts;
  readonly #pace: DeliveryPace;
  readonly #time: SteadyTime;
  readonly #usage: DeliverUsage;
  readonly #events: DeliverEvents;
  readonly #abort = new AbortController();
  #cancelTimer: CancelTimer = () => undefined;
  #isRunning = false;
  #isDue = false;
  #onIdle: (() => void) | undefined;

  constructor(parts: DeliverReportsParts) {
    const { outbox, upstream, clock, logger, limits } = parts;
    this.#parts = parts;
    const notes = new OutboxNotes(outbox, clock, logger);
    this.#time = new SteadyTime(clock, (byMs) => void notes.keep({ type: "clock-set-back", byMs }));
    this.#pace = new DeliveryPace(limits, this.#time, parts.isUpstreamDown, parts.random);
    const shared: DeliveryParts = {
      outbox,
      upstream,
      clock,
      logger,
      limits,
      time: this.#time,
      notes,
      pace: this.#pace,
      signal: this.#abort.signal,
      again: () => this.wake(),
    };
    this.#usage = new DeliverUsage(shared, parts.remember);
    this.#events = new DeliverEvents(shared);
  }

  start(): void {
    this.#isRunning = true;
    this.#time.start();
    this.wake();
  }

  /** There may be something to deliver: looked for once, when all that goes on at present is over. */
  wake(): void {
    if (!this.#isRunning) {
      if (this.#pace.inFlight === 0) this.#onIdle?.();
      return;
    }
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => this.#pump());
  }

  /** Resolves once nothing is under way. What is not answered soon stays in the outbox, to be repeated under its key. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancelTimer();
    this.#time.stop();
    if (this.#pace.inFlight === 0) return;
    const { clock, limits } = this.#parts;
    let cancel: CancelTimer = () => undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      cancel = clock.after(limits.closeMs, () => {
        this.#abort.abort();
        // What cannot be written down, for want of room, is not waited for.
        cancel = clock.after(limits.closeMs, resolve);
      });
    });
    cancel();
  }

  #pump(): void {
    this.#isDue = false;
    if (!this.#isRunning) return;
    this.#cancelTimer();
    const waitMs = Math.min(this.#usage.pump(), this.#events.pump());
    if (waitMs !== Infinity) this.#cancelTimer = this.#parts.clock.after(waitMs, () => this.wake());
  }
}
