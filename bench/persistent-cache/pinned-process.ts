import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

const CLOCK_TICKS_PER_SECOND = 100;
const CAN_PIN = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** What is measured has a core to itself; all that it talks to has another one. */
export const CORES = { measured: 0, others: 1 } as const;

export interface Use {
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

/** A program on one core, where this machine can hold it there. */
export class PinnedProcess {
  readonly child: ChildProcess;
  #stdout = "";
  #stderr = "";

  constructor(
    core: number,
    command: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    const [program, rest] = CAN_PIN ? ["taskset", ["-c", String(core), command, ...args]] : [command, args];
    this.child = spawn(program, rest, {
      env: { PATH: process.env["PATH"] ?? "", ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdout?.on("data", (chunk: Buffer) => (this.#stdout += chunk.toString()));
    this.child.stderr?.on("data", (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  static get isPinned(): boolean {
    return CAN_PIN;
  }

  /** The first line that matches, once it is printed. */
  async printed(pattern: RegExp): Promise<string> {
    for (;;) {
      const line = this.#stdout.split("\n").find((candidate) => pattern.test(candidate));
      if (line !== undefined) return line;
      if (this.child.exitCode !== null)
        throw new Error(`${this.child.spawnargs.join(" ")} ended:\n${this.#stdout}${this.#stderr}`);
      await Promise.race([once(this.child.stdout!, "data"), once(this.child, "exit")]);
    }
  }

  /** Up to now. Linux alone tells; elsewhere both are 0. */
  use(): Use {
    try {
      const stat = readFileSync(`/proc/${this.child.pid}/stat`, "utf8");
      const [user, system] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .slice(11, 13);
      const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.child.pid}/status`, "utf8"))?.[1];
      return {
        cpuSeconds: (Number(user) + Number(system)) / CLOCK_TICKS_PER_SECOND,
        peakMegabytes: (Number(peak) * 1_024) / 1e6,
      };
    } catch {
      return { cpuSeconds: 0, peakMegabytes: 0 };
    }
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await exited;
  }
}
