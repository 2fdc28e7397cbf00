import { editDistance } from "../../domain/decision/nearest-ids.js";

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

/** A variable that is not this process's own, but that a deployment may well give to it. */
export interface ForeignName {
  readonly name: string;
  /** What to do about it, as the end of a sentence. */
  readonly meaning: string;
  /** The variables that mean the same here; where one of these is set, nothing is missing. */
  readonly insteadOf?: readonly string[];
}

/** What the documents and charts of the program that this one stands in for give to both of its processes. */
const OF_THE_REPLACED_PROGRAM: readonly ForeignName[] = [
  {
    name: "CACHE_LOCK_RETRY_COUNT",
    meaning:
      "waiting for another process that fetches the same state is bounded by time here, not by a count; remove it",
  },
];

/** What most clients of Redis read, and what platforms set for them. */
function redisUrl(variables: string): ForeignName {
  return {
    name: "REDIS_URL",
    meaning: `Redis is named by variables of its own here; set ${variables} instead, and what the URL has of REDIS_USERNAME, REDIS_PASSWORD and REDIS_DB, with REDIS_TLS=1 for rediss://`,
    insteadOf: ["REDIS_HOST", "REDIS_SENTINELS", "REDIS_CLUSTER_NODES"],
  };
}

export const FOREIGN_TO_THE_SIDECAR: readonly ForeignName[] = [
  ...OF_THE_REPLACED_PROGRAM,
  redisUrl("REDIS_ENVIRONMENT_PREFIX, REDIS_HOST and REDIS_PORT"),
  {
    name: "ENVIRONMENT_PREFIX",
    meaning: "the sidecar reads REDIS_ENVIRONMENT_PREFIX: set that to have Redis in use",
    insteadOf: ["REDIS_ENVIRONMENT_PREFIX"],
  },
  {
    name: "QUEUE_URL",
    meaning:
      'the sidecar consumes no queue: that is what "entitlement-sidecar consume" does, or the image without a command',
  },
  {
    name: "KEYS_TTL_IN_SECS",
    meaning: "the sidecar reads REDIS_KEYS_TTL_IN_SECS: set that too",
    insteadOf: ["REDIS_KEYS_TTL_IN_SECS"],
  },
];

export const FOREIGN_TO_THE_PERSISTENT_CACHE: readonly ForeignName[] = [
  ...OF_THE_REPLACED_PROGRAM,
  redisUrl("REDIS_HOST and REDIS_PORT"),
  {
    name: "REDIS_KEYS_TTL_IN_SECS",
    meaning: "the persistent-cache service reads KEYS_TTL_IN_SECS: set that too",
    insteadOf: ["KEYS_TTL_IN_SECS"],
  },
];

/** A warning for each that is set where nothing else says the same. */
export function foreignNames(
  names: readonly ForeignName[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const isSet = (name: string) => (environment[name] ?? "").trim() !== "";
  return names
    .filter(({ name, insteadOf = [] }) => isSet(name) && !insteadOf.some(isSet))
    .map(({ name, meaning }) => `${name} has no effect: ${meaning}`);
}

const IN_QUOTES = /^\s*(?:"[^]*"|'[^]*')\s*$/;

/**
 * One warning of all values that stand in quotes. A shell takes them away; docker --env-file does not, and a prefix or a
 * path then is another one than was meant.
 *
 * @param names the variables that are read
 */
export function quotedValues(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const quoted = names.filter((name) => IN_QUOTES.test(environment[name] ?? ""));
  if (quoted.length === 0) return [];
  const [whose, verb] = quoted.length === 1 ? ["a value", "is"] : ["values", "are"];
  return [
    `${quoted.join(", ")} ${verb} ${whose} in quotes, and the quotes are part of the value: docker --env-file, for one, does not take them away; remove them unless they are meant`,
  ];
}
