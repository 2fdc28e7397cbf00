import { setTimeout as elapse } from "node:timers/promises";
import type { Child } from "../../bench/processes/child.js";
import { waitedMsOf } from "../../bench/processes/process-usage.js";
import type { AttackReport } from "./attack-class.js";
import { isHeapBack, type Outcome } from "./outcome.js";
import type { AttackedServer } from "./processes/attacked-server.js";
import type { AttackerProcess } from "./processes/attacker-process.js";
import type { Watch, WatchOrder } from "./processes/watcher.js";

/** The processes that attack and watch. */
export interface Crew {
  readonly attacker: AttackerProcess;
  readonly watcher: Child;
}

export interface Timing {
  /** How long is watched before the attack. */
  readonly quietMs: number;
  readonly attackMs: number;
  /** How long is watched behind the attack at the least. */
  readonly afterMs: number;
}

/** In which the heap has to be back. */
const RECOVERY_MS = 10_000;
const SAMPLE_MS = 100;
const BETWEEN_COLLECTIONS_MS = 500;

/** Attacks one server by one class, while a client without fault checks before, during and after. */
export async function tryClass(
  name: string,
  server: AttackedServer,
  { attacker, watcher }: Crew,
  { quietMs, attackMs, afterMs }: Timing,
): Promise<Outcome> {
  const isWatching = watcher.message();
  watcher.send({ watch: server.target.http2Port, pid: server.process.pid } satisfies WatchOrder);
  await isWatching;
  await elapse(quietMs);
  const heapBefore = await server.memory.inUse();
  const waitedBefore = waitedMsOf(server.process.pid);
  const peak = new Peak(server);

  let report: AttackReport | undefined;
  let failure: string | undefined;
  try {
    report = await attacker.attack(name, server.target, attackMs);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const serverWaitedMs = waitedMsOf(server.process.pid) - waitedBefore;
  const [heapAfter] = await Promise.all([recovered(server, heapBefore), elapse(afterMs)]);
  const residentGrowth = peak.end();

  const watched = watcher.message();
  watcher.send({ end: true } satisfies WatchOrder);
  const watch = (await watched) as Watch;
  return { watch, report, failure, ended: server.ended, residentGrowth, heapBefore, heapAfter, serverWaitedMs };
}

/** @returns the heap in use as soon as it is back to what it was, or as it is when the time for that is over */
async function recovered(server: AttackedServer, before: number): Promise<number> {
  const begunAt = performance.now();
  for (;;) {
    const after = server.ended === undefined ? await server.memory.inUse() : Number.NaN;
    if (isHeapBack(before, after) || server.ended !== undefined || performance.now() - begunAt > RECOVERY_MS)
      return after;
    await elapse(BETWEEN_COLLECTIONS_MS);
  }
}

/** The most that was resident, also of a process that has ended since. */
class Peak {
  readonly #server: AttackedServer;
  readonly #before: number;
  readonly #timer: NodeJS.Timeout;
  #most: number;

  constructor(server: AttackedServer) {
    this.#server = server;
    this.#before = server.memory.beginPeak();
    this.#most = this.#before;
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS);
  }

  /** @returns by how much it grew, bytes */
  end(): number {
    clearInterval(this.#timer);
    this.#look();
    return this.#most - this.#before;
  }

  #look(): void {
    const peak = this.#server.memory.peak();
    if (peak > this.#most) this.#most = peak;
  }
}
