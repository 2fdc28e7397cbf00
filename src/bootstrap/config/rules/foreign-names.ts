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
