import type { CancelTimer, Clock } from "../../ports/clock.js";
import { codedErrorOf, saysThrottled, upstreamErrorsIn } from "../../wire/upstream-errors.js";
import { ReconnectSchedule, type StreamTiming } from "./reconnect-schedule.js";
import { type Subscription, SUBSCRIPTIONS } from "./subscriptions.js";
import { type StreamFault, streamFaultOf, WebSocketClient, type WebSocketClientOptions } from "./websocket-client.js";

export interface ConnectionListener {
  /** All subscriptions are live, as far as can be known: upstream has read them and refused none. */
  established(): void;
  /** A subscription ended, so that not all changes arrive any more. It is renewed. */
  interrupted(subscription: Subscription, reason: string): void;
  received(subscription: Subscription, result: unknown): void;
  /** The last call. */
  closed(fault: StreamFault): void;
}

/** One connection with all subscriptions on it, which it renews when upstream ends or refuses one. */
export class SubscribedConnection {
  readonly #timing: StreamTiming;
  readonly #clock: Clock;
  readonly #listener: ConnectionListener;
  readonly #client: WebSocketClient;
  readonly #watch: SilenceWatch;
  readonly #schedules: ReadonlyMap<Subscription, ReconnectSchedule>;
  readonly #live = new Set<Subscription>();
  readonly #timers = new Set<CancelTimer>();
  #isConfirming = false;
  #awaitsPong = false;
  #cancelSettling: CancelTimer | undefined;
  #isOver = false;

  constructor(
    options: WebSocketClientOptions,
    timing: StreamTiming,
    clock: Clock,
    random: () => number,
    listener: ConnectionListener,
  ) {
    this.#timing = timing;
    this.#clock = clock;
    this.#listener = listener;
    this.#schedules = new Map(
      SUBSCRIPTIONS.map((subscription) => [subscription, new ReconnectSchedule(timing, random)]),
    );
    this.#watch = new SilenceWatch(
      timing.pingIntervalMs,
      clock,
      () => this.#client.ping(),
      () => this.#client.terminate("upstream went silent"),
    );
    const { acknowledgeTimeoutMs } = timing;
    const cancelTimeout = this.#after(acknowledgeTimeoutMs, () =>
      this.#client.terminate(`upstream did not acknowledge the connection within ${acknowledgeTimeoutMs} ms`),
    );
    this.#client = new WebSocketClient(options, {
      acknowledged: () => {
        cancelTimeout();
        this.#watch.start();
        for (const subscription of SUBSCRIPTIONS) this.#subscribe(subscription);
      },
      heard: () => this.#watch.heard(),
      ponged: () => this.#ponged(),
      closed: (code, reason) => this.#closed(streamFaultOf(code, reason)),
    });
  }

  /** Says goodbye, and ends the connection even where upstream does not answer that; `closed` follows. */
  close(): void {
    this.#client.close();
    this.#after(this.#timing.closeTimeoutMs, () => this.#client.terminate("closed"));
  }

  #subscribe(subscription: Subscription): void {
    this.#live.add(subscription);
    this.#client.subscribe(subscription, {
      next: (result) => {
        if (!this.#isOver) this.#listener.received(subscription, result);
      },
      ended: (errors) => this.#ended(subscription, errors),
    });
    this.#confirmLater();
  }

  /**
   * The protocol does not acknowledge subscriptions. Upstream reads messages in order, so an answer to a ping
   * that was sent after them shows that it has read them; what it refuses, it refuses soon after.
   */
  #confirmLater(): void {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    // The library sends a subscription some promises later; the ping has to come after it.
    setImmediate(() => {
      this.#isConfirming = false;
      if (this.#isOver || this.#live.size < SUBSCRIPTIONS.length) return;
      this.#awaitsPong = true;
      this.#client.ping();
    });
  }

  #ponged(): void {
    if (!this.#awaitsPong) return;
    this.#awaitsPong = false;
    this.#cancelSettling = this.#after(this.#timing.settleMs, () => {
      const now = this.#clock.elapsed();
      for (const schedule of this.#schedules.values()) schedule.established(now);
      this.#listener.established();
    });
  }

  #ended(subscription: Subscription, errors: unknown): void {
    this.#live.delete(subscription);
    this.#awaitsPong = false;
    this.#cancelSettling?.();
    const [error] = upstreamErrorsIn(errors);
    const reason = error?.message ?? "upstream ended the subscription";
    if (error !== undefined && codedErrorOf(error).code === "unauthenticated") {
      // Nothing else on this connection will be answered either; the next one is opened slowly.
      this.#client.terminate(`Invalid API key: ${reason}`);
      return;
    }
    this.#listener.interrupted(subscription, reason);
    const kind = saysThrottled(reason) ? "throttled" : "lost";
    const delayMs = this.#schedules.get(subscription)?.delayAfter(kind, this.#clock.elapsed()) ?? 0;
    this.#after(delayMs, () => this.#subscribe(subscription));
  }

  #closed(fault: StreamFault): void {
    this.#isOver = true;
    this.#watch.stop();
    for (const cancel of this.#timers) cancel();
    this.#listener.closed(fault);
  }

  #after(delayMs: number, callback: () => void): CancelTimer {
    const cancel = () => {
      this.#timers.delete(cancel);
      cancelTimer();
    };
    const cancelTimer = this.#clock.after(delayMs, () => {
      this.#timers.delete(cancel);
      callback();
    });
    this.#timers.add(cancel);
    return cancel;
  }
}

/** How many pings in a row may bring nothing at all. */
const MAX_SILENT_PINGS = 2;

/**
 * Finds out that a peer is gone although the connection seems open. Counts pings and not time alone: a process
 * that was itself held up for a while has unread messages, not a silent peer.
 */
export class SilenceWatch {
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #ping: () => void;
  readonly #onSilence: () => void;
  #silentPings = 0;
  #cancelTimer: CancelTimer | undefined;

  constructor(intervalMs: number, clock: Clock, ping: () => void, onSilence: () => void) {
    this.#intervalMs = intervalMs;
    this.#clock = clock;
    this.#ping = ping;
    this.#onSilence = onSilence;
  }

  start(): void {
    this.#cancelTimer = this.#clock.after(this.#intervalMs, () => this.#tick());
  }

  /** Something came from the peer. */
  heard(): void {
    this.#silentPings = 0;
  }

  stop(): void {
    this.#cancelTimer?.();
  }

  #tick(): void {
    if (this.#silentPings >= MAX_SILENT_PINGS) {
      this.#onSilence();
      return;
    }
    this.#silentPings++;
    this.#ping();
    this.start();
  }
}
