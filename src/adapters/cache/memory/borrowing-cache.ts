import { BoundedSubjects, type Subject } from "../../../domain/subject.js";
import type { CachedState, FetchedState, LoadedState, StoredState } from "../../../ports/cache-store.js";
import type { Telemetry } from "../../../ports/telemetry.js";
import { MemoryCache } from "./memory-cache.js";

export interface BorrowingOptions {
  readonly from: MemoryCache;
  /** Whether what is taken over is as verified here as it is there; else nothing vouches for it here. */
  readonly keepsVerified: boolean;
  readonly maxBytes: number;
  readonly telemetry: Telemetry;
}

/** Subjects that are remembered to have been taken over; of more, the first are taken over again. */
const MAX_BORROWED = 100_000;

/** States of its own, each taken over from another cache when it is first asked for; no later change of that reaches it. */
export class BorrowingCache extends MemoryCache {
  readonly #options: BorrowingOptions;
  readonly #borrowed = new BoundedSubjects<true>(MAX_BORROWED);

  constructor(options: BorrowingOptions) {
    super(options.maxBytes, options.telemetry);
    this.#options = options;
  }

  override peek(customerId: string, resourceId: string | undefined): CachedState | undefined {
    this.#borrow({ customerId, resourceId });
    return super.peek(customerId, resourceId);
  }

  override find(subject: Subject): LoadedState | undefined {
    this.#borrow(subject);
    return super.find(subject);
  }

  override keep(subject: Subject, fetched: FetchedState): StoredState {
    this.#borrow(subject);
    return super.keep(subject, fetched);
  }

  #borrow(subject: Subject): void {
    if (this.#borrowed.has(subject)) return;
    this.#borrowed.set(subject, true);
    if (this.#borrowed.isOverfull) this.#borrowed.takeOldest();
    const known = this.#options.from.find(subject);
    if (known === undefined) return;
    if (this.#options.keepsVerified && known.isVerified) super.keep(subject, known);
    else this.restore(subject, known);
  }
}
