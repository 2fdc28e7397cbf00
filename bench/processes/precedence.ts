import { readFileSync, writeFileSync } from "node:fs";

/** The niceness of the session that this process belongs to (sched(7), The autogroup feature). */
const SESSION = "/proc/self/autogroup";
const IS_ENABLED = "/proc/sys/kernel/sched_autogroup_enabled";
const FIRST = "-20";

/**
 * Has the bench, and every process that it starts, go before whatever else wants the machine's cores, until it ends. A
 * thread of the kernel's own that takes two thirds of a core for 25 ms, every 5 s, is else the greater part of a p99. The
 * niceness of processes would not do: Linux shares a core among sessions first, and by niceness only within each.
 *
 * @returns whether the system has that, and allows it
 */
export function goBeforeOthers(): boolean {
  try {
    const [, before] = /nice (-?\d+)/.exec(readFileSync(SESSION, "utf8")) ?? [];
    if (before === undefined || readFileSync(IS_ENABLED, "utf8").trim() !== "1") return false;
    writeFileSync(SESSION, FIRST);
    process.once("exit", () => writeFileSync(SESSION, before));
    return true;
  } catch {
    return false;
  }
}
