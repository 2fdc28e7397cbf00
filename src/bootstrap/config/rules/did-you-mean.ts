import { editDistance } from "../../../domain/decision/nearest-ids.js";

/** Beginnings that others' variables share. */
const COMMON_PREFIXES: ReadonlySet<string> = new Set(["AWS_", "ENVIRONMENT_", "MAX_", "OTEL_"]);

const LONG_NAME = 8;

/**
 * A warning for each name in the environment that nearly is a known one: the same but for case and underscores, or with
 * the beginning of a known one and a slip after it, or a long one with one slip anywhere.
 */
export function misspeltNames(environmentNames: Iterable<string>, knownNames: readonly string[]): string[] {
  const prefixes = prefixesOf(knownNames);
  const given = new Set(environmentNames);
  const warnings: string[] = [];
  for (const name of given) {
    if (knownNames.includes(name)) continue;
    const upper = name.toUpperCase();
    const prefix = prefixes.find((candidate) => upper.startsWith(candidate));
    const nearest =
      knownNames.find((known) => isSpeltAlike(known, upper)) ??
      (prefix === undefined
        ? knownNames.find((known) => isOneSlipAway(upper, known))
        : nearestName(upper, prefix, knownNames));
    // Both given: whoever set the right one as well means it.
    if (nearest === undefined || given.has(nearest)) continue;
    warnings.push(`${name} is not a variable of this service: did you mean ${nearest}?`);
  }
  return warnings;
}

function prefixesOf(knownNames: readonly string[]): readonly string[] {
  const prefixes = knownNames.filter((name) => name.includes("_")).map((name) => name.slice(0, name.indexOf("_") + 1));
  return [...new Set(prefixes)].filter((prefix) => !COMMON_PREFIXES.has(prefix));
}

/** LOGLEVEL, log-level and LOG_LEVEL. A name of one short word is not enough to go by: "port" is anybody's. */
function isSpeltAlike(known: string, upper: string): boolean {
  return known.includes("_") && known.replaceAll("_", "") === upper.replaceAll(/[_.-]/g, "");
}

/** Of a name so long that nobody else's is so like it: ENTITLEMENT_FALLBACK. */
function isOneSlipAway(name: string, known: string): boolean {
  return (
    name.length >= LONG_NAME &&
    name.includes("_") &&
    Math.abs(name.length - known.length) <= 1 &&
    (isSwapped(name, known) || editDistance(name, known) === 1)
  );
}

function nearestName(name: string, prefix: string, knownNames: readonly string[]): string | undefined {
  // Of a short name a third being wrong is already another name: REDIS_DB and REDIS_ID.
  const rest = name.length - prefix.length;
  const tolerance = rest < 3 ? 0 : rest < 5 ? 1 : 2;
  let nearest: string | undefined;
  let smallest = tolerance + 1;
  for (const known of knownNames) {
    const distance = isSwapped(name, known) ? 1 : editDistance(name, known);
    if (distance < smallest) [nearest, smallest] = [known, distance];
  }
  return nearest;
}

/** Whether two letters that stand side by side have changed places. */
function isSwapped(a: string, b: string): boolean {
  if (a.length !== b.length || a === b) return false;
  let at = 0;
  while (a[at] === b[at]) at++;
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}
