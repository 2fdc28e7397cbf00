import { editDistance } from "../../../domain/decision/nearest-ids.js";
import { CodedError } from "../../../domain/errors.js";
import type { Lookup } from "../model/catalog-model.js";
import type { TimestampInput } from "./catalog-input.js";

/** Where something is in a catalog: keys and indexes from the top. */
export type CatalogPath = readonly (string | number)[];

/** One thing that is wrong with a catalog, and what to do about it. */
export interface CatalogFault {
  readonly path: CatalogPath;
  readonly message: string;
}

export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/** Beyond it a list of faults helps nobody. */
const MAX_LISTED = 50;
/** How much of two names is compared, characters: it bounds the cost of a typo. */
const MAX_COMPARED = 40;

/** One error that tells all faults, each with its place. */
export function faultyCatalogError(
  source: string,
  faults: readonly CatalogFault[],
  positionOf: (path: CatalogPath) => TextPosition | undefined,
): CodedError {
  const lines = faults.slice(0, MAX_LISTED).map(({ path, message }) => {
    const position = positionOf(path);
    const place = position === undefined ? source : `${source}:${position.line}:${position.column}`;
    return `  ${place} ${path.length === 0 ? "" : `${describePath(path)}: `}${message}`;
  });
  if (faults.length > MAX_LISTED) lines.push(`  … and ${faults.length - MAX_LISTED} more`);
  const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
  return new CodedError("invalid-argument", `the catalog has ${count}:\n${lines.join("\n")}`);
}

/** A path as people write it: customers[3].overrides.api-calls */
function describePath(path: CatalogPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    const plain = /^[\w$-]+$/.test(step) ? step : JSON.stringify(step);
    return text === "" ? plain : `${text}.${plain}`;
  }, "");
}

/** What a fault says of a name that does not exist: what exists, the nearest first. */
export function unknownName(what: string, name: string, known: Iterable<string>): string {
  const nearest = nearestFirst(name, known);
  if (nearest.length === 0) return `there is no ${what} ${JSON.stringify(name)}, and the catalog defines none`;
  const listed = nearest.slice(0, 8).map((each) => JSON.stringify(each));
  return `there is no ${what} ${JSON.stringify(name)}; there is ${listed.join(", ")}${nearest.length > 8 ? ", …" : ""}`;
}

function nearestFirst(name: string, known: Iterable<string>): readonly string[] {
  const compared = name.slice(0, MAX_COMPARED);
  return [...known]
    .map((each) => ({ each, distance: editDistance(compared, each.slice(0, MAX_COMPARED)) }))
    .sort((one, other) => one.distance - other.distance)
    .map(({ each }) => each);
}

/** Collects what is wrong with a catalog while it is compiled, so that one reading names all of it. */
export class FaultList {
  readonly #faults: CatalogFault[] = [];

  get all(): readonly CatalogFault[] {
    return this.#faults;
  }

  add(path: CatalogPath, message: string): void {
    this.#faults.push({ path, message });
  }

  /** What `id` names, or a fault that lists what there is. */
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
