import { editDistance } from "../../../domain/decision/nearest-ids.js";
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
export function describePath(path: CatalogPath): string {
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
