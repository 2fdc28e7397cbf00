import { isEmptyState } from "../../domain/customer-state.js";
import { errorCodeOf } from "../../domain/errors.js";
import { changeWithPossibleTimestamps, isFarAhead } from "../../domain/with-default-timestamps.js";
import type { ChangeMessage, ChangeQueue, QueuedMessage } from "../../ports/change-sources.js";
import { BackOff, type BackOffTiming, type Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { SharedWrite } from "../../ports/shared-cache.js";
import type { ConsumptionTelemetry } from "../../ports/telemetry.js";
import { inSpan, type Span, traceIdOf, type Tracer } from "../../ports/tracer.js";
import { elapse } from "../../ports/waits.js";
import type { RefetchSubjects } from "./refetch-subjects.js";
import type { RefreshAllStates } from "./refresh-all-states.js";
import { isOutage, type WriteAvailability } from "./write-availability.js";
import type { WriteInOrder } from "./write-in-order.js";

/** Of the waits after a failure of the shared cache's, until what failed is tried again. */
export interface CarryOutOptions extends BackOffTiming {
  /** Whether only states that are cached already are written. */
  readonly onlyIfCached: boolean;
  /** How many messages may wait for upstream at once; those on top of it come again later. */
  readonly maxWaitingForUpstream: number;
  /** How long messages are held that the shared cache takes no writes for, milliseconds: to give them back costs a receipt. */
  readonly holdMs: number;
}

export interface CarryOutParts {
  readonly queue: ChangeQueue;
  readonly writer: WriteInOrder;
  readonly refetch: RefetchSubjects;
  readonly sweep: RefreshAllStates;
  readonly gate: WriteAvailability;
  readonly clock: Clock;
  readonly telemetry: ConsumptionTelemetry;
  readonly logger: Logger;
  /** Where messages are traced; undefined: nowhere. */
  readonly tracer?: Tracer | undefined;
}

/** How far messages are that are being carried out. Neither rejects. */
export interface Progress {
  /** Everything that could be written at once is. */
  readonly written: Promise<unknown>;
  /** The queue is told so. */
  readonly removed: Promise<unknown>;
  /** So is it of every message, also of those that had to wait for upstream. */
  readonly settled: Promise<unknown>;
}

interface Effect {
  readonly message: QueuedMessage;
  readonly done: Promise<void>;
  readonly span: Span | undefined;
}

interface Holding {
  /** From when on the messages are held, by `Clock.elapsed`. */
  readonly since: number;
  /** Of those that failed before. */
  readonly backOff?: BackOff | undefined;
}

const NOTHING_TO_DO = Promise.resolve();

/** Carries out what messages say, and takes those off the queue whose effect is in the shared cache. */
export class ProcessChanges {
  readonly #parts: CarryOutParts;
  readonly #options: CarryOutOptions;
  readonly #holds = new Set<AbortController>();
  #isStopped = false;

  constructor(parts: CarryOutParts, options: CarryOutOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  carryOut(messages: readonly QueuedMessage[]): Progress {
    return this.#begin(messages, { since: this.#parts.clock.elapsed() });
  }

  /** Carries them out once the shared cache takes writes. Never rejects. */
  hold(messages: readonly QueuedMessage[]): Promise<void> {
    return this.#hold(messages, { since: this.#parts.clock.elapsed() });
  }

  /** What failed while the shared cache takes writes is not tried again at once: it may fail for ever. */
  async #hold(messages: readonly QueuedMessage[], { since, backOff }: Holding): Promise<void> {
    const { queue, gate, clock } = this.#parts;
    const holding = new AbortController();
    const cancelTimer = clock.after(Math.max(0, since + this.#options.holdMs - clock.elapsed()), () => holding.abort());
    this.#holds.add(holding);
    if (this.#isStopped) holding.abort();
    if (backOff !== undefined) await elapse(backOff.nextMs(), clock, holding.signal);
    await gate.whenOpen(holding.signal);
    cancelTimer();
    this.#holds.delete(holding);
    if (holding.signal.aborted) await queue.release(messages);
    else await this.#begin(messages, { since, backOff }).settled;
  }

  /** What is held is given back. */
  stop(): void {
    this.#isStopped = true;
    for (const holding of this.#holds) holding.abort();
  }

  #begin(messages: readonly QueuedMessage[], holding: Holding): Progress {
    const seconds = this.#parts.telemetry.stopwatch();
    const writes: Effect[] = [];
    const settled: Promise<unknown>[] = [];
    for (const message of messages) {
      if ("fault" in message.content) {
        this.#reject(message, message.content.fault);
        continue;
      }
      const content = this.#possible(message.content);
      const span = this.#startSpan(message, content);
      const write = this.#writeOf(content);
      if (write !== undefined) {
        const done = inSpan(span?.child("write state", "internal"), this.#parts.writer.write(write));
        writes.push({ message, done, span });
      }
      // One by one: what waits for upstream must not keep what does not.
      else settled.push(this.#settle([{ message, done: this.#askUpstream(content, span), span }], seconds, holding));
    }
    const removed = this.#settle(writes, seconds, holding);
    settled.push(removed);
    return { written: Promise.allSettled(writes.map(({ done }) => done)), removed, settled: Promise.all(settled) };
  }

  /** Nothing would ever replace what is written under a time that is yet to come. */
  #possible({ change, at }: ChangeMessage): ChangeMessage {
    const now = this.#parts.clock.now();
    return { change: changeWithPossibleTimestamps(change, now), at: isFarAhead(at, now) ? now : at };
  }

  #startSpan({ id, trace }: QueuedMessage, { change }: ChangeMessage): Span | undefined {
    return this.#parts.tracer?.start(`process ${change.type}`, "consumer", trace, {
      "messaging.system": "aws_sqs",
      "messaging.operation.type": "process",
      "messaging.message.id": id,
    });
  }

  /** @returns undefined where the message does not say what is to be written */
  #writeOf({ change, at }: ChangeMessage): SharedWrite | undefined {
    const { onlyIfCached } = this.#options;
    if (change.type === "usage-updated") return { change, at, onlyIfCached };
    if (change.type !== "entitlements-updated") return undefined;
    this.#parts.refetch.supersede(change.subject);
    // An empty set has no timestamp of its own to be ordered by: a late copy would empty a newer state. Upstream knows.
    return isEmptyState(change.state) ? undefined : { change, at, onlyIfCached };
  }

  #askUpstream({ change, at }: ChangeMessage, span: Span | undefined): Promise<void> {
    const { refetch, sweep } = this.#parts;
    if (change.type === "package-published")
      return change.migration === "ALL_CUSTOMERS" ? sweep.sweep(at) : NOTHING_TO_DO;
    if (refetch.pending >= this.#options.maxWaitingForUpstream) return Promise.reject(new TooManyWaiting());
    return refetch.refetch(change.subject, this.#options.onlyIfCached, { changedAt: at, span });
  }

  async #settle(effects: readonly Effect[], seconds: () => number, holding: Holding): Promise<void> {
    const { queue, telemetry, logger } = this.#parts;
    const results = await Promise.allSettled(effects.map(({ done }) => done));
    const carriedOut: QueuedMessage[] = [];
    const held: QueuedMessage[] = [];
    const notForNow: QueuedMessage[] = [];
    const left: QueuedMessage[] = [];
    for (const [index, { message, span }] of effects.entries()) {
      const result = results[index];
      span?.end(result?.status === "rejected" ? failureOf(result.reason) : undefined);
      if (result?.status !== "rejected") carriedOut.push(message);
      else if (isOutage(result.reason)) held.push(message);
      else if (errorCodeOf(result.reason) === "cancelled") notForNow.push(message);
      else {
        left.push(message);
        if (!(result.reason instanceof TooManyWaiting)) {
          logger.error("a message could not be carried out, and stays in the queue", {
            messageId: message.id,
            ...traceIn(message),
            error: result.reason,
          });
        }
      }
    }
    queue.abandon(left);
    await Promise.all([queue.remove(carriedOut), queue.release(notForNow)]);
    telemetry.handled(carriedOut.length, seconds());
    if (held.length === 0) return;
    const failures = results.flatMap((result): unknown[] => (result.status === "rejected" ? [result.reason] : []));
    await this.#holdFailed(held, failures.find(isOutage), holding);
  }

  async #holdFailed(messages: readonly QueuedMessage[], failure: unknown, { since, backOff }: Holding): Promise<void> {
    const { gate, logger } = this.#parts;
    const isPartial = gate.isOpen && (await gate.examine(failure)) === undefined;
    if (isPartial && backOff === undefined) {
      logger.warn(
        "a message could not be carried out though the shared cache takes writes: it is held, and tried again",
        {
          messageId: messages[0]?.id,
          messages: messages.length,
          error: failure,
        },
      );
    }
    await this.#hold(messages, { since, backOff: backOff ?? new BackOff(this.#options) });
  }

  #reject(message: QueuedMessage, fault: string): void {
    const { queue, telemetry, logger } = this.#parts;
    telemetry.rejected();
    logger.error("a message cannot be understood, and stays in the queue", {
      messageId: message.id,
      ...traceIn(message),
      fault,
    });
    queue.abandon([message]);
  }
}

function failureOf(reason: unknown): string {
  return reason instanceof Error ? reason.message || reason.name : String(reason);
}

function traceIn({ trace }: QueuedMessage): { readonly traceId?: string | undefined } {
  return trace === undefined ? {} : { traceId: traceIdOf(trace.traceparent) };
}

class TooManyWaiting extends Error {
  override readonly name = "TooManyWaiting";
}
