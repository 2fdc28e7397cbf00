import { readdirSync, readFileSync } from "node:fs";
import { constants, getPriority, setPriority } from "node:os";
import { setFlagsFromString } from "node:v8";

const TASKS = "/proc/self/task";
/** As long as V8 can wait. */
const NEVER_MS = 2 ** 31 - 1;
/** Above the main thread's: a ninth of its share where both want the same core, each; all of a core that nobody else wants. */
const NICENESS = 10;
/** How much the heap may grow by until it is collected, of what was in use after the last time. */
const GROWTH_PERCENT = 100;
/** What Node's later versions name V8's threads; the earlier ones name all of their threads alike. */
const HELPER = "V8Worker";

/**
 * Has V8 never collect for the sake of memory alone, as it does whenever it has not collected for 100 s, load or not. It then
 * forgets the shapes of objects that are not there now, and throws away the code compiled for them: for seconds
 * a check costs several times what it did.
 *
 * Called before anything of the service is loaded: V8 plans its first such collection early.
 */
export function forgoTrimming(): void {
  setFlagsFromString(`--gc-memory-reducer-start-delay-ms=${NEVER_MS}`);
}

/**
 * Keeps collections of the old generation from holding up checks.
 *
 * - The heap may double before the next. V8 sees to it that they take but a few hundredths of all time, and where little is
 *   allocated that lasts it reaches that with one at every twentieth part; the checks of that time wait all the same.
 * - V8 marks in four threads beside the main one. Where there is but one core they are four to one against whoever
 *   answers checks, for as long as marking takes. So they get a lower priority, which Linux knows for single threads: they
 *   have what checks leave over, and still all of it while a pause waits for them.
 * - The heap is not compacted, which is most of such a pause: states are replaced by others of the same size, for which the
 *   gaps are as good.
 *
 * Called once the service has started: a start is smaller with these threads at full speed.
 */
export function tuneGarbageCollection(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
  setFlagsFromString("--no-compact");
  if (process.platform !== "linux") return;
  try {
    // Whoever runs the service may have given it another niceness than 0.
    const niceness = Math.min(getPriority() + NICENESS, constants.priority.PRIORITY_LOW);
    for (const thread of helperThreads()) setPriority(thread, niceness);
  } catch {
    // Where the system does not allow it they keep their priority: collections are what they are without.
  }
}

/** Where they have no names, all threads but the main one: those that Node has for files and names of hosts are no worse off than that. */
function helperThreads(): readonly number[] {
  const threads = readdirSync(TASKS)
    .map(Number)
    .filter((thread) => thread !== process.pid);
  const named = threads.filter((thread) => readFileSync(`${TASKS}/${thread}/comm`, "utf8").trim() === HELPER);
  return named.length > 0 ? named : threads;
}
