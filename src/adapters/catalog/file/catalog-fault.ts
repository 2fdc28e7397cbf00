import { CodedError } from "../../../domain/errors.js";

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
export function describePath(path: CatalogPath): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === "number") return `${text}[${step}]`;
    const plain = /^[\w$-]+$/.test(step) ? step : JSON.stringify(step);
    return text === "" ? plain : `${text}.${plain}`;
  }, "");
}

/** What a fault says of a name that does not exist: what exists, the nearest first. */
export function unknownName(what: string, name: string, known: Iterable<string>): string {
  const nearest = [...known].sort((a, b) => editDistance(name, a) - editDistance(name, b));
  if (nearest.length === 0) return `there is no ${what} ${JSON.stringify(name)}, and the catalog defines none`;
  const listed = nearest.slice(0, 8).map((each) => JSON.stringify(each));
  return `there is no ${what} ${JSON.stringify(name)}; there is ${listed.join(", ")}${nearest.length > 8 ? ", …" : ""}`;
}

/** How many characters to insert, delete or replace; capped input keeps the cost of a typo small. */
export function editDistance(from: string, to: string): number {
  const a = from.slice(0, 40);
  const b = to.slice(0, 40);
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
