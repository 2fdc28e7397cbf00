import type { Change } from "../domain/change.js";
import type { TraceContext } from "./tracer.js";

/** Changes of changes upstream, as they happen. It has no memory: what is sent while it is down is never sent again. */
export interface UpdateStream {
  /**
   * Begins to listen, and goes on for ever, reconnecting by itself. Never throws: failures are the
   * stream's own to count and to heal.
   */
  start(listener: UpdateListener): void;
  /** Ends all of it; no call to the listener comes after it resolves. */
  stop(): Promise<void>;
}

/** Called synchronously and in the order in which upstream sent. Must not throw. */
export interface UpdateListener {
  /** From here on changes arrive; all that happened before may have been missed. */
  connected(): void;
  changed(change: Change): void;
  /** Changes are being missed from here on. Not called before the first connection. */
  disconnected(): void;
}

/** What a message says. */
export interface ChangeMessage {
  readonly change: Change;
  /** When it became true, epoch milliseconds: orders what has no timestamp of its own. */
  readonly at: number;
}

/** A message in hand. Nobody else is given it until it is settled, as long as this process lives. */
export interface QueuedMessage {
  /** The queue's own name for it, to find it by. */
  readonly id: string;
  /** Why it can never be understood, without its content; or what it says. */
  readonly content: ChangeMessage | { readonly fault: string };
  /** Of which trace whoever sent it says that it is a part. */
  readonly trace?: TraceContext | undefined;
}

/**
 * Changes that wait to be carried out, each at least once and in no order that could be relied on. What is
 * taken from it has to be settled by one of the three: removed, given back, or left.
 */
export interface ChangeQueue {
  /**
   * Finds out whether the queue can be read.
   *
   * @throws CodedError `unavailable` where it cannot be reached or refuses
   */
  open(signal: AbortSignal): Promise<void>;

  /**
   * Waits for messages, for some seconds; none is an answer too. To break it off is safe, but what it might have
   * brought then comes again only when its time is over.
   *
   * @throws CodedError `unavailable` where the queue cannot be reached or refuses, `cancelled` once the signal aborts
   */
  receive(signal: AbortSignal): Promise<readonly QueuedMessage[]>;

  /** Carried out: takes them off for good. Where that fails they come again, which does no harm. Never rejects. */
  remove(messages: readonly QueuedMessage[]): Promise<void>;

  /** Cannot be carried out for now: anybody may have them at once. Never rejects. */
  release(messages: readonly QueuedMessage[]): Promise<void>;

  /** Not to be carried out by this process: they come again when their time is over, and in the end go where the queue sends them. */
  abandon(messages: readonly QueuedMessage[]): void;

  /** Resolves once everything that was settled is reported to the queue. */
  close(): Promise<void>;
}
