import { setTimeout as elapse } from "node:timers/promises";
import { ACME } from "../arena.js";
import type { Row } from "../row.js";

/** For what was told to have arrived. */
const ARRIVAL_MS = 500;

/** How long an old value is watched that nothing corrects. */
const WATCH_MS = 5_000;

export const ORDER_ROWS: readonly Row[] = [
  {
    name: "superseded-fetch",
    fault: "a fetch in flight while a newer event lands",
    isWarm: false,
    measure: async (arena) => {
      const { faults, stats } = arena.emulator;
      const release = faults.inject({ target: "edge", kind: "hold" });
      const asked = arena.contestant.seats(ACME);
      await stats.until(({ edge }) => edge.inFlight > 0);
      arena.grantSeats(20);
      await elapse(ARRIVAL_MS / 2);
      release();
      await asked;
      return notifiedOfLimit(await arena.untilAnswered(({ limit }) => limit === 20, WATCH_MS));
    },
  },
  {
    name: "events-reordered",
    fault: "two events out of order",
    measure: async (arena) => {
      arena.emulator.faults.inject({ target: "events", kind: "reorder", change: "usage-updated", times: 1 });
      await arena.useElsewhere();
      await arena.useElsewhere();
      await elapse(ARRIVAL_MS);
      return notifiedOfLimit(await arena.untilAnswered(({ usage }) => usage === arena.counted, WATCH_MS));
    },
  },
  {
    name: "reports-reordered",
    fault: "the answers to two reports out of order",
    measure: async (arena) => {
      const { faults, stats } = arena.emulator;
      const release = faults.inject({ target: "api", operation: "ReportUsage", kind: "hold", times: 1 });
      const first = arena.contestant.reportSeat();
      await stats.until(({ reports }) => reports.length === 1);
      await arena.contestant.reportSeat();
      await elapse(ARRIVAL_MS);
      release();
      await first;
      return notifiedOfLimit(await arena.untilAnswered(({ usage }) => usage === arena.counted, WATCH_MS));
    },
  },
];

function notifiedOfLimit({ is }: { readonly is: "seen" | "not seen" | "died" }): string {
  return is === "seen"
    ? "the newer value"
    : is === "died"
      ? "its process dies"
      : `the older value, also ${WATCH_MS / 1000} s later`;
}
