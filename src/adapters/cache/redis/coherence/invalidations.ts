/** Notified, synchronously and in order, of every write to a state's keys, whoever wrote. Must not throw. */
export interface InvalidationListener {
  /** From here on every write is reported; any before may have been missed. */
  coherent(): void;
  /** Somebody wrote, removed or evicted this key. */
  invalidated(key: string): void;
  /** Anything may have been written. */
  invalidatedAll(): void;
  /** Writes are being missed from here on. Not called before the first `coherent`. */
  incoherent(): void;
}

/** Notices of what is written to Redis, for as long as there is a connection to tell of it. */
export interface Invalidations {
  /** Begins to listen, and goes on for ever, reconnecting by itself. Never throws. */
  start(listener: InvalidationListener): void;
  /** No call to the listener comes after it resolves. */
  stop(): Promise<void>;
}
