import { readdirSync, readFileSync } from "node:fs";

/** Processor time that a process has used so far, on all its threads, seconds; NaN where the system does not tell. */
export function cpuSecondsOf(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  try {
    const threads = readdirSync(tasks).map((thread) =>
      Number(readFileSync(`${tasks}/${thread}/schedstat`, "utf8").split(" ")[0]),
    );
    return threads.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1e9;
  } catch {
    return Number.NaN;
  }
}

/** How long the main thread of a process was ready to run and got no processor, so far, milliseconds; NaN where the system does not tell. */
export function waitedMsOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

/** Memory of a process that is in RAM, bytes; NaN where the system does not tell. */
export function residentBytesOf(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1_024;
  } catch {
    return Number.NaN;
  }
}
