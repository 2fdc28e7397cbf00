import type { CatalogFault, CatalogPath } from "../file/catalog-fault.js";
import { unknownName } from "../file/catalog-fault.js";
import type { TimestampInput } from "../file/catalog-input.js";
import type { Lookup } from "./lazy-table.js";
import { parseTimestamp } from "./timestamp.js";

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
