import { readFileSync } from "node:fs";

/** Of the numbers that the first line of /proc/stat has, and how long each unit of them is. */
const STEAL = 7;
const TICK_MS = 10;

/**
 * How long others on the same host have had this machine's cores while it wanted them, since it started, milliseconds;
 * NaN where the system does not tell. On a rented machine the longest of many pauses is often one of these.
 */
export function stolenMs(): number {
  try {
    const [, ...ticks] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0]!.split(/\s+/);
    return Number(ticks[STEAL]) * TICK_MS;
  } catch {
    return Number.NaN;
  }
}
