import { type CatalogFault, type CatalogPath, unknownName } from "../file/catalog-fault.js";
import type { TimestampInput } from "../file/catalog-input.js";
import type { Lookup } from "./lazy-table.js";

/** Collects what is wrong with a catalog while it is compiled, so that one reading tells everything. */
export class FaultList {
  readonly #faults: CatalogFault[] = [];

  get all(): readonly CatalogFault[] {
    return this.#faults;
  }

  add(path: CatalogPath, message: string): void {
    this.#faults.push({ path, message });
  }

  /** What `id` names, or a fault that tells what there is. */
  lookUp<T>(what: string, known: Lookup<T>, id: string, path: CatalogPath): T | undefined {
    const found = known.get(id);
    if (found === undefined) this.add(path, unknownName(what, id, known.keys()));
    return found;
  }

  timestamp(timestamp: TimestampInput | undefined, path: CatalogPath): number | undefined {
    if (timestamp === undefined) return undefined;
    const parsed = parseTimestamp(timestamp);
    if (parsed === undefined)
      this.add(
        path,
        `${JSON.stringify(timestamp)} is not a date; write 2026-03-01, 2026-03-01T09:30:00Z or epoch milliseconds`,
      );
    return parsed;
  }

  /** Puts parts under their ids; each id that occurs again is a fault. */
  index<P extends { readonly id: string }, T>(
    what: string,
    parts: readonly P[],
    path: CatalogPath,
    compile: (part: P, path: CatalogPath) => T,
  ): Map<string, T> {
    const indexed = new Map<string, T>();
    parts.forEach((part, index) => {
      if (indexed.has(part.id)) {
        this.add(
          [...path, index, "id"],
          `there is a ${what} ${JSON.stringify(part.id)} already; ids are unique, rename or remove one`,
        );
      } else indexed.set(part.id, compile(part, [...path, index]));
    });
    return indexed;
  }
}

const ISO_TIMESTAMP = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const LAST_DATE_MS = 8.64e15;

/** Epoch milliseconds, or undefined where the text is no date, or no date that every reader reads alike. */
function parseTimestamp(timestamp: TimestampInput): number | undefined {
  if (typeof timestamp === "number") return Math.abs(timestamp) <= LAST_DATE_MS ? timestamp : undefined;
  if (!ISO_TIMESTAMP.test(timestamp)) return undefined;
  const day = Date.parse(timestamp.slice(0, 10));
  const parsed = Date.parse(timestamp);
  if (Number.isNaN(day) || Number.isNaN(parsed)) return undefined;
  // Date.parse takes 31 February for 3 March: what was written has to come out again.
  return new Date(day).toISOString().startsWith(timestamp.slice(0, 10)) ? parsed : undefined;
}
