/** What there is, and what it costs. Rates are of the whole fleet, a second. */
export interface FleetSize {
  readonly sidecars: number;
  readonly customers: number;
  readonly checks: number;
  /** Customers that change upstream. */
  readonly changes: number;
  readonly redisNodes: number;
  /** States that one node of Redis tells a second at most. */
  readonly redisReads: number;
  /** What of the customers Redis holds when nothing is wrong, from 0 to 1. */
  readonly redisShare: number;
  /** States that upstream tells a second at most. */
  readonly upstreamReads: number;
  /** How long upstream takes to tell one, milliseconds. */
  readonly upstreamMs: number;
  readonly consumers: number;
  /** Processor time of a sidecar for a state read from Redis, and fetched from upstream and written, microseconds: npm run figures:misses. */
  readonly missMicros: number;
  readonly fetchMicros: number;
  /** How many times as much both cost in the first seconds of a process, until its code is compiled: npm run figures:cold-start. */
  readonly coldFactor: number;
  readonly seed: number;
}

export const DEFAULT_SIZE: FleetSize = {
  sidecars: 1_000,
  customers: 10_000_000,
  checks: 50_000,
  changes: 500,
  redisNodes: 6,
  redisReads: 20_000,
  redisShare: 0.99,
  upstreamReads: 20_000,
  upstreamMs: 40,
  consumers: 8,
  missMicros: 100,
  fetchMicros: 450,
  coldFactor: 3,
  seed: 1,
};

/** @throws Error for what is no option, or no number */
export function fleetSizeFrom(argv: readonly string[]): FleetSize {
  const size: Record<string, number> = { ...DEFAULT_SIZE };
  for (let at = 0; at < argv.length; at += 2) {
    const name = argv[at]?.replace(/^--/, "").replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()) ?? "";
    const value = Number(argv[at + 1]);
    if (!(name in size) || !Number.isFinite(value) || value <= 0)
      throw new Error(
        `${argv[at] ?? ""} ${argv[at + 1] ?? ""} is no option: there are ${Object.keys(size).join(", ")}`,
      );
    size[name] = value;
  }
  return size as unknown as FleetSize;
}
