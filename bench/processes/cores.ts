import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Where a process runs: measured servers have one core to themselves, everything else shares the other. */
export type Core = "server" | "load" | "any";

const NUMBERS = { server: "0", load: "1" } as const;

/** Whether processes can be kept to their cores here: it takes two of them, and util-linux's taskset. */
export const canPin = availableParallelism() >= 2 && spawnSync("taskset", ["-c", NUMBERS.load, "true"]).status === 0;

/** The command line that keeps a command to a core. */
export function pinned(core: Core, command: readonly string[]): readonly [command: string, ...args: string[]] {
  const [first = "", ...rest] = command;
  return canPin && core !== "any" ? ["taskset", "-c", NUMBERS[core], first, ...rest] : [first, ...rest];
}
