import { resolve } from "node:path";
import { Child, REPO } from "../processes/child.js";

const PART = resolve(REPO, "bench/processes/part.js");

/** For a million customers at once, of whom nothing is collected. */
const HEAP_MB = 8_000;

/** Gives a job to a function of the bench's in a new process, where collections can be asked for, and waits for what comes of it. */
export async function inOwnProcess<Figures>(
  node: string,
  file: string,
  exported: string,
  job: object,
): Promise<Figures> {
  const command = [
    node,
    "--expose-gc",
    `--max-old-space-size=${HEAP_MB}`,
    PART,
    resolve(REPO, "bench", file),
    exported,
  ];
  const child = new Child(command, { core: "server", hasChannel: true });
  try {
    child.send(job);
    return (await child.message()) as Figures;
  } finally {
    await child.stop();
  }
}
