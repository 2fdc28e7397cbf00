import type { ConnectFault, EventFault } from "../../src/adapters/emulator/faults/fault-rules.js";
import type { HttpFault } from "../../src/ports/upstream-client.js";
import type { FaultyUpstream } from "./faulty-upstream.js";
import type { SeededRandom } from "./seeded-random.js";

/** Something that goes wrong upstream, for a while. */
export interface RandomFault {
  readonly name: string;
  readonly startsAfterMs: number;
  readonly lastsMs: number;
  /** @returns ends it */
  strike(upstream: FaultyUpstream): Promise<() => Promise<void>>;
}

type Heal = () => void | Promise<void>;
type Draw = (random: SeededRandom) => {
  readonly name: string;
  readonly strike: (upstream: FaultyUpstream) => Heal | Promise<Heal>;
};

const nothing: Heal = () => undefined;

const http: Draw = (random) => {
  const targets = random.oneOf<readonly ("edge" | "api")[]>([["edge"], ["api"], ["edge", "api"]]);
  const fault = random.oneOf<HttpFault>([
    { kind: "delay", ms: random.integer(20, 900) },
    { kind: "hold" },
    { kind: "hang" },
    { kind: "status", status: random.oneOf([500, 502, 503, 429]) },
    { kind: "reset", when: "before-effect" },
    { kind: "reset", when: "after-effect" },
    { kind: "malformed" },
    { kind: "truncated" },
    { kind: "errors", code: "RateLimitExceeded", message: "ThrottlerException: Too Many Requests" },
    { kind: "errors", code: "UnexpectedError", message: "Internal server error" },
  ]);
  return {
    name: `${targets.join(" and ")} ${fault.kind}`,
    strike: ({ faults }) => {
      const switchedOff = targets.map((target) => faults.inject({ target, ...fault }));
      return () => {
        for (const off of switchedOff) off();
      };
    },
  };
};

/** Not one that is never answered at all: such are found out only after the time that finding out may take. */
const connect: Draw = (random) => {
  const fault = random.oneOf<ConnectFault>([
    { kind: "upgrade-status", status: 503 },
    { kind: "ack-hang" },
    { kind: "refuse", code: 4429, reason: "ThrottlerException: Too Many Requests" },
    { kind: "refuse", code: 4500, reason: "Internal server error" },
  ]);
  return {
    name: `ws ${fault.kind}`,
    strike: ({ faults }) => {
      const off = faults.inject({ target: "ws", ...fault });
      faults.resetSockets();
      return off;
    },
  };
};

const cut: Draw = (random) => {
  const cuts: readonly ReturnType<Draw>[] = [
    { name: "ws reset", strike: ({ faults }) => (faults.resetSockets(), nothing) },
    { name: "ws closed", strike: ({ faults }) => (faults.closeSockets(1012, "Service Restart"), nothing) },
    { name: "subscriptions completed", strike: ({ faults }) => (faults.completeSubscriptions(), nothing) },
    {
      name: "one subscription completed",
      strike: ({ faults }) => (faults.completeSubscriptions("usageUpdatedV2"), nothing),
    },
  ];
  return random.oneOf(cuts);
};

const event: Draw = (random) => {
  const fault = random.oneOf<EventFault>([
    { kind: "null-payload" },
    { kind: "null-list" },
    { kind: "event-errors", message: "Internal server error" },
    { kind: "reorder" },
    { kind: "hold" },
  ]);
  return { name: `events ${fault.kind}`, strike: ({ faults }) => faults.inject({ target: "events", ...fault }) };
};

/** What is lost without any sign of it nobody can know of: a loss shows by the end of the connection. */
const dropped: Draw = () => ({
  name: "events dropped",
  strike: (upstream) => {
    const off = upstream.faults.inject({ target: "events", kind: "drop" });
    return () => {
      off();
      upstream.faults.resetSockets();
    };
  },
});

/** Everything is stale, and nobody tells in time. */
const slowAfterGap: Draw = (random) => {
  const fault = random.oneOf<HttpFault>([{ kind: "hang" }, { kind: "delay", ms: 600 }, { kind: "delay", ms: 2_000 }]);
  return {
    name: `a gap, then ${fault.kind} everywhere`,
    strike: ({ faults }) => {
      const switchedOff = (["edge", "api"] as const).map((target) => faults.inject({ target, ...fault }));
      faults.resetSockets();
      return () => {
        for (const off of switchedOff) off();
      };
    },
  };
};

const lagging: Draw = () => ({ name: "Edge lags", strike: ({ faults }) => faults.lagEdge() });

const restart: Draw = () => ({
  name: "restart",
  strike: async (upstream) => {
    await upstream.kill();
    return () => upstream.restart();
  },
});

const KINDS: readonly Draw[] = [
  http,
  http,
  http,
  connect,
  cut,
  cut,
  event,
  event,
  dropped,
  slowAfterGap,
  slowAfterGap,
  lagging,
  lagging,
  restart,
];

export function drawFault(random: SeededRandom): RandomFault {
  const { name, strike } = random.oneOf(KINDS)(random);
  return {
    name,
    startsAfterMs: random.integer(0, 1_000),
    lastsMs: random.integer(50, 1_500),
    async strike(upstream) {
      const heal = await strike(upstream);
      return async () => heal();
    },
  };
}
