import { type EventBatch, lastOfFirstHalf } from "../../domain/outbox/event-queue.js";
import type { AsideList } from "../../domain/outbox/outbox-record.js";
import type { OutboxState } from "../../domain/outbox/outbox-state.js";
import { isWordlessRefusal, mayCountInPart, reportFailureOf } from "../../domain/outbox/report-failure.js";
import { isTooLate } from "../../ports/steady-time.js";
import type { DeliveryParts } from "./deliver-usage.js";
import { SlidingBudget } from "./delivery-pace.js";

const SECOND_MS = 1_000;

/** Tells upstream of events, in the order of their acceptance, as many in a request as it takes and in a second as it takes. */
export class DeliverEvents {
  readonly #parts: DeliveryParts;
  readonly #state: OutboxState;
  readonly #budget: SlidingBudget;
  /** Of the batch that is being written down: until that is known it is not sent. */
  #formingId: number | undefined;
  #sentAt = -Infinity;

  constructor(parts: DeliveryParts) {
    this.#parts = parts;
    this.#state = parts.outbox.state;
    this.#budget = new SlidingBudget(parts.limits.eventsPerSecond, SECOND_MS);
  }

  /** Sends what can be sent. @returns milliseconds until it may be worth trying again; Infinity: once something happens */
  pump(): number {
    const { pace, limits, time } = this.#parts;
    for (;;) {
      if (this.#state.eventBatches.size === 0 && this.#state.events.length === 0) return Infinity;
      const wait = pace.waitMs();
      if (wait > 0) return wait;
      const now = time.now();
      const { batch, notBefore } = this.#nextBatch(now);
      const available = this.#budget.available(now);
      if (batch !== undefined) {
        if (batch.events.length > limits.eventsPerBatch) void this.#split(batch);
        else if (this.#budget.take(batch.events.length, now)) void this.#send(batch, batch.triedAt !== undefined);
        else return this.#budget.waitMs(now);
        continue;
      }
      if (this.#state.events.length === 0 || this.#formingId !== undefined) return notBefore;
      if (available <= 0) return this.#budget.waitMs(now);
      const count = Math.min(available, limits.eventsPerBatch);
      const spacing = this.#sentAt + limits.spacingMs - now;
      if (this.#state.events.length < count && spacing > 0) return spacing;
      this.#sentAt = now;
      void this.#form(count, now);
    }
  }

  #nextBatch(now: number): { readonly batch: EventBatch | undefined; readonly notBefore: number } {
    let notBefore = Infinity;
    for (const batch of this.#state.eventBatches.values()) {
      if (batch.isInFlight || batch.id === this.#formingId) continue;
      if (batch.notBefore <= now) return { batch, notBefore };
      notBefore = Math.min(notBefore, batch.notBefore - now);
    }
    return { batch: undefined, notBefore };
  }

  async #form(count: number, now: number): Promise<void> {
    const { pace, notes, clock, again } = this.#parts;
    const range = this.#state.events.range(count);
    if (range === undefined) return;
    const id = this.#state.takeId();
    this.#formingId = id;
    pace.began();
    const isWritten = await notes.write([{ type: "event-batch", id, ...range, at: clock.now() }]);
    this.#formingId = undefined;
    const batch = this.#state.eventBatches.get(id);
    pace.ended();
    if (!isWritten || batch === undefined) {
      pace.abandoned();
      again();
      return;
    }
    this.#budget.take(batch.events.length, now);
    batch.triedSteadyAt = this.#parts.time.now();
    await this.#send(batch, false);
  }

  async #send(batch: EventBatch, isRepeated: boolean): Promise<void> {
    const { pace, notes, clock, again, logger } = this.#parts;
    batch.isInFlight = true;
    if (batch.triedAt === undefined) batch.triedSteadyAt = this.#parts.time.now();
    pace.began();
    try {
      if (isRepeated && this.#isTooLate(batch)) {
        await this.#setAside(
          batch,
          "in-doubt",
          "it was tried, the answer was lost, and upstream may not know its key any more",
        );
      } else if (
        batch.triedAt === undefined &&
        !(await notes.write([{ type: "tried", ids: [batch.id], at: clock.now() }]))
      )
        pace.abandoned();
      else await this.#attempt(batch, isRepeated);
    } catch (error) {
      pace.failed(error);
      batch.notBefore = this.#parts.time.now() + pace.backOffMs(++batch.failures);
      logger.error("events could not be delivered for a reason that was not foreseen", { error });
    }
    batch.isInFlight = false;
    pace.ended();
    again();
  }

  async #attempt(batch: EventBatch, isRepeated: boolean): Promise<void> {
    const { outbox, upstream, pace, notes, clock, signal, time, logger } = this.#parts;
    const events = outbox.readEvents(batch.events);
    try {
      await upstream.reportEvents(events, { signal });
    } catch (error) {
      const failure = reportFailureOf(error);
      if (failure === "refused") {
        pace.answered();
        if (batch.events.length > 1) {
          // None of them was taken: its halves are tried for the first time.
          if (!isRepeated && !mayCountInPart(error)) await notes.keep({ type: "not-arrived", ids: [batch.id] });
          await this.#split(batch);
        } else
          await this.#setAside(
            batch,
            isRepeated || mayCountInPart(error) ? "in-doubt" : "rejected",
            error instanceof Error ? error.message : String(error),
          );
        return;
      }
      const isWordless = isWordlessRefusal(error);
      if (isWordless) pace.refusedWithoutWord();
      else pace.failed(error);
      batch.notBefore = time.now() + pace.backOffMs(++batch.failures);
      logger.warn("events could not be delivered for now: they stay in the outbox and are tried again", {
        error,
        events: events.length,
      });
      // One of them may have the others refused with it.
      if (isWordless && batch.events.length > 1) await this.#split(batch);
      if (failure === "not-arrived" && !isRepeated) await notes.keep({ type: "not-arrived", ids: [batch.id] });
      return;
    }
    pace.answered();
    await notes.keep({ type: "delivered", ids: [batch.id], count: batch.events.length, at: clock.now() });
  }

  async #split(batch: EventBatch): Promise<void> {
    batch.isInFlight = true;
    const firstHalf = this.#state.takeId(2);
    await this.#parts.notes.keep({
      type: "event-batch-split",
      id: batch.id,
      firstHalf,
      secondHalf: firstHalf + 1,
      lastOfFirst: lastOfFirstHalf(batch.events),
      at: this.#parts.clock.now(),
    });
    this.#parts.again();
  }

  async #setAside(batch: EventBatch, list: AsideList, reason: string): Promise<void> {
    const { outbox, clock, notes } = this.#parts;
    const events = outbox.readEvents(batch.events);
    for (const [index, event] of events.entries()) {
      const id = batch.events[index]?.id ?? 0;
      await notes.setAside({ id, list, reason, at: clock.now(), count: 1, content: { event } });
    }
    await notes.keep({ type: "delivered", ids: [batch.id], count: 0, at: clock.now() });
  }

  #isTooLate({ triedAt, triedSteadyAt }: EventBatch): boolean {
    return triedAt !== undefined && isTooLate(triedAt, triedSteadyAt, this.#state.latestAt, this.#parts);
  }
}
