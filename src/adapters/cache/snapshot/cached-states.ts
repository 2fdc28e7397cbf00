import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { SnapshotStates } from "../../../ports/cache-store.js";
import type { MemoryCache } from "../memory/memory-cache.js";
import { CompactState } from "../memory/memory-state.js";
import { readStates, stateOfRecord, writeStates } from "./state-bytes.js";

const MAX_KNOWN = 1_000;

/** The states of the memory cache, as a snapshot keeps them. */
export class CachedStates implements SnapshotStates {
  readonly #cache: MemoryCache;
  /** While a snapshot is read: sets of entitlements by their records, since each block has all that its states share. */
  readonly #known = new Map<string, CompactState>();

  constructor(cache: MemoryCache) {
    this.#cache = cache;
  }

  subjects(): Iterable<readonly Subject[]> {
    return this.#cache.allSubjects();
  }

  encode(subjects: readonly Subject[]): Buffer {
    return writeStates(subjects.map((subject) => [subject, this.#cache.heldOf(subject)]));
  }

  restore(bytes: Buffer): number {
    const { sets, states } = readStates(bytes);
    const held: CompactState[] = [];
    try {
      for (const record of sets) held.push(this.#hold(record));
      if (states.some(({ state }) => state !== undefined && !(state.set < held.length)))
        throw new Error("a set is missing");
    } catch (cause) {
      for (const state of held) this.#cache.release(state);
      throw new CodedError("invalid-argument", "these are no states", { cause });
    }
    for (const { subject, state } of states) {
      if (state === undefined) this.#cache.restore(subject, undefined);
      else
        this.#cache.restore(subject, {
          state: new CompactState((held[state.set] as CompactState).set, state.own),
          verifiedAt: state.verifiedAt,
          recheckAt: state.recheckAt,
        });
    }
    for (const state of held) this.#cache.release(state);
    return states.length;
  }

  #hold(record: unknown): CompactState {
    const text = JSON.stringify(record);
    const held = this.#cache.hold(this.#known.get(text) ?? stateOfRecord(record as never));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(text, held);
    return held;
  }

  onChange(listener: (subject: Subject) => void): void {
    // Reading is over.
    this.#known.clear();
    this.#cache.onChange(listener);
  }
}
