import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { SnapshotStates } from "../../../ports/cache-store.js";
import type { MemoryCache } from "../memory/memory-cache.js";
import { CompactState } from "../memory/memory-state.js";
import { readStates, SetOrder, stateOfRecord, writeStates } from "./state-bytes.js";

const MAX_KNOWN = 1_000;
/** Lists of sets that were read last and are remembered: runs of states that were written together have the same one. */
const MAX_LISTS = 8;

/** The states of the memory cache, as a snapshot keeps them. */
export class CachedStates implements SnapshotStates {
  readonly #cache: MemoryCache;
  readonly #order = new SetOrder();
  /** While a snapshot is read: sets of entitlements by their records, and by lists of them, since each block has all that its states share. */
  readonly #known = new Map<string, CompactState>();
  #lists: { readonly list: Buffer; readonly sets: readonly CompactState[] }[] = [];

  constructor(cache: MemoryCache) {
    this.#cache = cache;
  }

  subjects(): Iterable<readonly Subject[]> {
    return this.#cache.allSubjects();
  }

  encode(subjects: readonly Subject[]): Buffer {
    return writeStates(
      subjects.map((subject) => [subject, this.#cache.heldOf(subject)]),
      this.#order,
    );
  }

  restore(bytes: Buffer): number {
    const { list, states } = readStates(bytes);
    const held = this.#setsOf(list);
    if (states.some(({ state }) => state !== undefined && !(state.set < held.length)))
      throw new CodedError("invalid-argument", "these are no states: a set is missing");
    for (const { subject, state } of states) {
      if (state === undefined) this.#cache.restore(subject, undefined);
      else
        this.#cache.restore(subject, {
          state: new CompactState((held[state.set] as CompactState).set, state.own),
          verifiedAt: state.verifiedAt,
          recheckAt: state.recheckAt,
        });
    }
    return states.length;
  }

  /** Held until others are read, or all is. */
  #setsOf(list: Buffer): readonly CompactState[] {
    const known = this.#lists.find((each) => each.list.equals(list));
    if (known !== undefined) return known.sets;
    const sets: CompactState[] = [];
    try {
      for (const record of JSON.parse(list.toString("utf8")) as readonly unknown[]) sets.push(this.#hold(record));
    } catch (cause) {
      this.#release(sets);
      throw new CodedError("invalid-argument", "these are no states", { cause });
    }
    // A copy: the bytes are a part of many more.
    this.#lists.unshift({ list: Buffer.from(list), sets });
    for (const last of this.#lists.splice(MAX_LISTS)) this.#release(last.sets);
    return sets;
  }

  #release(sets: readonly CompactState[]): void {
    for (const state of sets) this.#cache.release(state);
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
    for (const { sets } of this.#lists) this.#release(sets);
    this.#lists = [];
    this.#cache.onChange(listener);
  }
}
