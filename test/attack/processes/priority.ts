import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";

const FIRST = -10;
/** Of a session: as much as the bench takes. */
const FIRST_SESSION = -20;
const hasSetsid = spawnSync("setsid", ["true"]).status === 0;

/** The command line that runs a command in a session of its own: Linux shares the processor among sessions first (sched(7)). */
export function inOwnSession(command: readonly string[]): readonly string[] {
  return hasSetsid ? ["setsid", ...command] : command;
}

/**
 * Has a process go before those that attack, and before whatever else the machine runs, where that may be had: it takes
 * privileges. What is measured is what an attack does to a server, not what other work on the machine does.
 */
export function putFirst(pid: number): void {
  try {
    setPriority(pid, FIRST);
    if (hasSetsid) writeFileSync(`/proc/${pid}/autogroup`, String(FIRST_SESSION));
  } catch {
    // Then all are equal, but for the attackers, which are nicer. The table says what the server waited.
  }
}
