import { spawn } from "node:child_process";
import { once } from "node:events";

/** On each core a thread that goes before all others and sleeps a millisecond at a time (rt-tests). */
const COMMAND = [
  "cyclictest",
  "--smp",
  "--priority=99",
  "--mlockall",
  "--interval=1000",
  "--quiet",
  "--default-system",
] as const;
const LONGEST_US = /Max:\s*(\d+)/g;

/**
 * How long this machine itself stood still. A thread that goes before all others is late only where whoever runs the
 * machine has taken the core away, or its kernel would not let go of it.
 */
export class MachinePauses {
  readonly #process = spawn(COMMAND[0], COMMAND.slice(1), { stdio: ["ignore", "pipe", "ignore"] });
  readonly #closed: Promise<unknown>;
  readonly #kill = () => this.#process.kill("SIGKILL");
  #output = "";

  constructor() {
    process.once("exit", this.#kill);
    this.#closed = once(this.#process, "close").catch(() => undefined);
    this.#process.stdout.on("data", (chunk: Buffer) => (this.#output += chunk.toString()));
  }

  /** The longest since it began, milliseconds; undefined where cyclictest is not there, or may not go before others. */
  async longestMs(): Promise<number | undefined> {
    this.#process.kill("SIGINT");
    await this.#closed;
    process.off("exit", this.#kill);
    const longest = Array.from(this.#output.matchAll(LONGEST_US), ([, microseconds]) => Number(microseconds) / 1_000);
    return longest.length === 0 ? undefined : Math.max(...longest);
  }
}
