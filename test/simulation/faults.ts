import { Random } from "../model/random.js";

/** One fault: what, whom, when and for how long, in milliseconds of virtual time. Plain data, so that a plan can be shrunk. */
export interface Fault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly lasts: number;
  /** Which sidecar, by its number. */
  readonly target: number;
  /** What else there is to choose, from 0 to 1. */
  readonly choice: number;
}

export const FAULT_KINDS = [
  "crash",
  "pause",
  "clock-step",
  "redis-down",
  "redis-emptied",
  "redis-old",
  "redis-slow",
  "redis-cut",
  "redis-half-cut",
  "redis-read-only",
  "redis-without-scripts",
  "stream-dropped",
  "stream-cut",
  "stream-down",
  "events-lost",
  "edge-behind",
  "edge-503",
  "edge-hangs",
  "api-503",
  "api-hangs",
  "api-429",
  "answers-lost",
  "upstream-cut",
  "overload",
  "published",
] as const;

/** Of the queue of changes and of the persistent-cache services that consume it. */
export const SERVICE_FAULT_KINDS = [
  "service-crash",
  "service-restart",
  "service-pause",
  "service-clock-step",
  "service-redis-cut",
  "service-edge-cut",
  "queue-down",
  "queue-cut",
  "queue-half-cut",
  "queue-503",
  "queue-refuses-credentials",
  "messages-late",
  "messages-twice",
] as const;

export type ServiceFaultKind = (typeof SERVICE_FAULT_KINDS)[number];

/** Of what such services have nobody else to ask in place of. */
const EDGE_FAULT_KINDS = ["edge-429", "edge-refuses-one"] as const;

export type FleetFaultKind = (typeof FAULT_KINDS)[number] | (typeof EDGE_FAULT_KINDS)[number];

export type FaultKind = FleetFaultKind | ServiceFaultKind;

/** Of a fleet with a queue and persistent-cache services. */
export const FAULT_KINDS_WITH_A_QUEUE: readonly FaultKind[] = [
  ...FAULT_KINDS,
  ...SERVICE_FAULT_KINDS,
  ...EDGE_FAULT_KINDS,
];

export function isOfServices(kind: FaultKind): kind is ServiceFaultKind {
  return (SERVICE_FAULT_KINDS as readonly FaultKind[]).includes(kind);
}

/** The longest that each lasts, milliseconds; those that are not here come and are gone. */
const LONGEST: Partial<Record<FaultKind, number>> = {
  crash: 20_000,
  pause: 15_000,
  "clock-step": 600_000,
  "service-crash": 20_000,
  "service-restart": 30_000,
  "service-pause": 15_000,
  "service-clock-step": 600_000,
  overload: 14_000,
};
/** And the least. */
const SHORTEST: Partial<Record<FaultKind, number>> = { overload: 10_000 };
const LONGEST_OF_OTHERS = 120_000;

/** Every fault ends so long before the end, milliseconds: what must hold after the last one is looked at then. */
export const QUIET_MS = 20 * 60_000;

/** @param perHour how many faults come in an hour */
export function planFaults(
  seed: number,
  lengthMs: number,
  sidecars: number,
  perHour: number,
  kinds: readonly FaultKind[] = FAULT_KINDS,
): readonly Fault[] {
  const random = new Random(seed ^ 0x5eed);
  const window = lengthMs - QUIET_MS;
  const count = Math.round((window / 3_600_000) * perHour);
  const faults = Array.from({ length: Math.max(0, count) }, (): Fault => {
    const kind = random.pick(kinds);
    const lasts =
      (SHORTEST[kind] ?? 200) + random.below((LONGEST[kind] ?? LONGEST_OF_OTHERS) - (SHORTEST[kind] ?? 200));
    // Now and then several at once: a fault in the shadow of another is what nobody thinks of.
    const at =
      60_000 +
      (random.chance(0.5)
        ? random.below(window)
        : Math.floor(random.below(window) / 600_000) * 600_000 + random.below(30_000));
    return { kind, at: Math.min(at, window - lasts), lasts, target: random.below(sidecars), choice: random.next() };
  });
  return faults.filter(({ at }) => at > 30_000).toSorted((a, b) => a.at - b.at);
}
