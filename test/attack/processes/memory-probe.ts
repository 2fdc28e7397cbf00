import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as elapse } from "node:timers/promises";
import { Inspector } from "../../../bench/processes/inspector.js";
import { residentBytesOf } from "../../../bench/processes/process-usage.js";

/** A process that is busy answers the inspector late, one that hangs never. */
const ANSWER_MS = 10_000;
const IN_USE = "(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())";

/** The memory of a server, seen from outside. */
export class MemoryProbe {
  readonly #pid: number;
  readonly #inspectorUrl: string;

  constructor(pid: number, inspectorUrl: string) {
    this.#pid = pid;
    this.#inspectorUrl = inspectorUrl;
  }

  /** The heap in use and the buffers that belong to it after a collection, bytes; NaN where the process does not answer. */
  async inUse(): Promise<number> {
    try {
      return await Promise.race([this.#collected(), elapse(ANSWER_MS, Number.NaN, { ref: false })]);
    } catch {
      return Number.NaN;
    }
  }

  /** Resident now, bytes; from now on `peak` counts anew. */
  beginPeak(): number {
    try {
      writeFileSync(`/proc/${this.#pid}/clear_refs`, "5");
    } catch {
      // The peak may then be of an earlier time: too large, never too small.
    }
    return residentBytesOf(this.#pid);
  }

  /** The most that was resident since, bytes; NaN where the system does not say, or the process is gone. */
  peak(): number {
    try {
      return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${this.#pid}/status`, "utf8"))?.[1]) * 1_024;
    } catch {
      return Number.NaN;
    }
  }

  async #collected(): Promise<number> {
    // Not kept open: a process does not end while somebody inspects it.
    const inspector = await Inspector.open(this.#inspectorUrl);
    try {
      await inspector.call("HeapProfiler.collectGarbage");
      const { result } = (await inspector.call("Runtime.evaluate", { expression: IN_USE, returnByValue: true })) as {
        readonly result: { readonly value: number };
      };
      return result.value;
    } finally {
      inspector.close();
    }
  }
}
