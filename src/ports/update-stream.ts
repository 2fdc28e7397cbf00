import type { Change } from "../domain/change.js";

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

/**
 * Between those who share a store: most of them hear no changes themselves, and trust what the store holds for as long as another
 * hears them all.
 */
export interface SharedHearing {
  /** From here on this process hears changes. Never throws, and nobody waits for it. */
  connected(): void;
  disconnected(): void;
  /** What is known of anybody may be another now: those who do not hear changes themselves are to know that. Never throws. */
  allMayHaveChanged(): void;
  /** @param onUnheard called with a time before which changes may have been missed, epoch milliseconds */
  follow(onUnheard: (before: number) => void): void;
  /**
   * For a process that hears no changes itself.
   *
   * @param onChange called with false once nobody says any more that it hears them, though somebody did, and with true once one
   * does again
   */
  watch(onChange: (isSomebodyHearing: boolean) => void): void;
}

/** Called synchronously and in the order in which upstream sent. Must not throw. */
export interface UpdateListener {
  /** From here on changes arrive; all that happened before may have been missed. */
  connected(): void;
  changed(change: Change): void;
  /** Changes are being missed from here on. Not called before the first connection. */
  disconnected(): void;
}
