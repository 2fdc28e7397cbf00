import type { PendingAmounts } from "../domain/outbox/pending-amounts.js";
import type { Subject } from "../domain/subject.js";

/** What waits in the outboxes of all who share a cache. */
export interface SharedPending {
  /** How long what was written lasts unless it is written again, milliseconds: nobody's amounts outlive him by more. */
  readonly lastsMs: number;
  /** How many subjects others have something of. */
  readonly othersSize: number;

  /** What others have of a subject; undefined: nothing. */
  ofOthers(customerId: string, resourceId: string | undefined): readonly PendingAmounts[] | undefined;

  /**
   * Lets others know what waits here of some subjects; of one without amounts nothing does any more.
   *
   * @throws CodedError where that cannot be written: it is to be tried again
   */
  write(pending: readonly { readonly subject: Subject; readonly amounts: PendingAmounts }[]): Promise<void>;

  /**
   * Begins to follow what others have. Never throws.
   *
   * @param onForgotten called with a subject of which something is kept in this outbox's name that this process has
   *   not written
   * @param onMaybeLost called where what was written may be gone: it is to be written again
   */
  start(onForgotten: (subject: Subject) => void, onMaybeLost: () => void): void;

  /** No call comes after it resolves. What was written stays for as long as it lasts: it waits on disk. */
  stop(): Promise<void>;
}
