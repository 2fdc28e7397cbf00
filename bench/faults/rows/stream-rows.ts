import { setTimeout as elapse } from "node:timers/promises";
import type { ConnectRule, EventRule } from "../../../src/adapters/emulator/faults/fault-rules.js";
import { ACME, type Arena, type Outcome } from "../arena.js";
import { notifiedOf, type Row, seconds } from "../row.js";

const REPEATS = 3;
/** Long enough for states to grow old. */
const OUTAGE_MS = 35_000;
/** A client that waits ever longer comes back soon or late, as it happens. */
const OUTAGES_TO_RETURN_FROM_MS = [12_000, 25_000, 40_000];
const CHECK_EVERY_MS = 100;

/** Breaks all sockets and strikes the next one that is opened; a change meanwhile is missed. */
async function strikeNextSocket(arena: Arena, rule: ConnectRule, withinMs: number): Promise<Outcome> {
  const { faults, stats } = arena.emulator;
  const { upgrades } = stats;
  faults.inject(rule);
  faults.resetSockets();
  await stats.until((now) => now.upgrades > upgrades);
  arena.grantSeats(20);
  return arena.untilAnswered(({ limit }) => limit === 20, withinMs);
}

function returnRow(outageMs: number): Row {
  return {
    name: `back-after-${outageMs / 1000}`,
    fault: `upstream back after ${outageMs / 1000} s, and a change 5 s later`,
    measure: async (arena) => {
      await arena.emulator.faults.goDown();
      await elapse(outageMs);
      await arena.emulator.faults.comeBack();
      const back = performance.now();
      let listens: string | undefined;
      void arena.listening().then(() => (listens = `listens again after ${seconds(performance.now() - back)}`));
      await elapse(5_000);
      // By now cached again, whatever was forgotten.
      await arena.untilAnswered(({ isFallback }) => !isFallback, 10_000);
      arena.grantSeats(20);
      const outcome = await arena.untilAnswered(({ limit }) => limit === 20, 75_000);
      return `${listens ?? "does not listen again"}, the change is ${notifiedOf(outcome, "seen")}`;
    },
  };
}

export const STREAM_ROWS: readonly Row[] = [
  {
    name: "ws-killed",
    fault: "WebSocket killed, back after 1 s",
    measure: async (arena) => {
      let longest: Outcome = { is: "seen", afterMs: 0 };
      for (let round = 1; round <= REPEATS && longest.is === "seen"; round++) {
        const { faults, stats } = arena.emulator;
        const comeBack = faults.inject({ target: "ws", kind: "upgrade-status", status: 503 });
        faults.resetSockets();
        await stats.until(({ sockets }) => sockets === 0);
        arena.grantSeats(20 + round);
        await elapse(1_000);
        comeBack();
        const outcome = await arena.untilAnswered(({ limit }) => limit === 20 + round, 20_000);
        if (outcome.is !== "seen" || outcome.afterMs > longest.afterMs) longest = outcome;
        await arena.listening();
      }
      return `${notifiedOf(longest)} (the longest of ${REPEATS})`;
    },
  },
  {
    name: "outage",
    fault: `upstream down for ${OUTAGE_MS / 1000} s (WebSocket and HTTP), warm cache`,
    measure: async (arena) => {
      await arena.emulator.faults.goDown();
      const down = performance.now();
      let checks = 0;
      const fallbacks: { readonly beganAt: number; readonly tookMs: number }[] = [];
      while (performance.now() - down < OUTAGE_MS) {
        const began = performance.now();
        const { isFallback } = await arena.contestant.seats(ACME);
        checks++;
        if (isFallback) fallbacks.push({ beganAt: began - down, tookMs: performance.now() - began });
        await elapse(CHECK_EVERY_MS);
      }
      await arena.emulator.faults.comeBack();
      const [first] = fallbacks;
      if (first === undefined) return `the cached state in all ${checks} checks`;
      const longest = Math.max(...fallbacks.map(({ tookMs }) => tookMs));
      return `the fallback to checks from ${seconds(first.beganAt)} on, after up to ${seconds(longest)}`;
    },
  },
  ...OUTAGES_TO_RETURN_FROM_MS.map(returnRow),
  {
    name: "completed",
    fault: "the server completes the subscriptions",
    measure: async (arena) => {
      arena.emulator.faults.completeSubscriptions();
      arena.grantSeats(20);
      return notifiedOf(await arena.untilAnswered(({ limit }) => limit === 20, 15_000));
    },
  },
  {
    name: "half-open",
    fault: "half-open socket",
    measure: async (arena) => {
      arena.emulator.faults.halfOpenSockets();
      arena.grantSeats(20);
      return notifiedOf(await arena.untilAnswered(({ limit }) => limit === 20, 25_000));
    },
  },
  {
    name: "upgrade-hang",
    fault: "an upgrade that never comes",
    measure: async (arena) =>
      notifiedOf(await strikeNextSocket(arena, { target: "ws", kind: "upgrade-hang", times: 1 }, 25_000)),
  },
  {
    name: "ack-hang",
    fault: "an acknowledgement that never comes",
    measure: async (arena) =>
      notifiedOf(await strikeNextSocket(arena, { target: "ws", kind: "ack-hang", times: 1 }, 25_000)),
  },
  {
    name: "key-refused",
    fault: 'one close with 4401 "Invalid API key"',
    measure: async (arena) =>
      notifiedOf(
        await strikeNextSocket(
          arena,
          { target: "ws", kind: "refuse", code: 4401, reason: "Invalid API key", times: 1 },
          45_000,
        ),
      ),
  },
  ...(["null-payload", "null-list"] as const).map((kind): Row => ({
    name: kind,
    fault: kind === "null-payload" ? "an event that is null" : "an event with a null list",
    measure: async (arena) => {
      const rule: EventRule = { target: "events", change: "entitlements-updated", kind, times: 1 };
      arena.emulator.faults.inject(rule);
      arena.grantSeats(20);
      return notifiedOf(await arena.untilAnswered(({ limit }) => limit === 20, 5_000));
    },
  })),
];
