import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { getHeapStatistics } from "node:v8";

/** Where the kernel tells of limits; tests lay out their own. */
export interface MemorySources {
  /** The mount point of the cgroup file system. */
  readonly cgroupRoot: string;
  /** The file that names the cgroups of this process. */
  readonly ownCgroups: string;
  readonly machineBytes: () => number;
  /** The runtime's own idea of a limit; 0 or undefined where it knows of none. */
  readonly constrainedBytes: () => number | undefined;
  /** What the JavaScript heap may grow to: cached states live in it. */
  readonly heapBytes: () => number;
}

export const THIS_MACHINE: MemorySources = {
  cgroupRoot: "/sys/fs/cgroup",
  ownCgroups: "/proc/self/cgroup",
  machineBytes: totalmem,
  constrainedBytes: () => process.constrainedMemory(),
  heapBytes: () => getHeapStatistics().heap_size_limit,
};

/** The memory that this process may use, bytes: the least of all limits on it. */
export function availableMemory(sources: MemorySources): number {
  const limits = [sources.machineBytes(), sources.heapBytes(), ...cgroupLimits(sources)];
  const constrained = sources.constrainedBytes();
  if (constrained !== undefined && constrained > 0) limits.push(constrained);
  return Math.min(...limits);
}

/** The limits of the process's memory cgroup and of all above it, in both generations of cgroups. */
function* cgroupLimits({ cgroupRoot, ownCgroups }: MemorySources): Iterable<number> {
  for (const { controllers, path } of parseOwnCgroups(readText(ownCgroups) ?? "")) {
    const isUnified = controllers === "";
    if (!isUnified && !controllers.split(",").includes("memory")) continue;
    const [mount, file] = isUnified
      ? [cgroupRoot, "memory.max"]
      : [join(cgroupRoot, "memory"), "memory.limit_in_bytes"];
    // Inside a container the path may be the host's and not exist here; the mount's own root still does.
    for (const folder of withParents(path)) {
      const limit = parseLimit(readText(join(mount, folder, file)));
      if (limit !== undefined) yield limit;
    }
  }
}

function* parseOwnCgroups(text: string): Iterable<{ readonly controllers: string; readonly path: string }> {
  for (const line of text.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers !== undefined && path !== undefined) yield { controllers, path };
  }
}

function* withParents(path: string): Iterable<string> {
  const names = path.split("/").filter((name) => name !== "" && name !== "..");
  for (let depth = names.length; depth >= 0; depth--) yield names.slice(0, depth).join("/");
}

/** "max", and version 1's number near 2^63, mean that there is no limit. */
function parseLimit(text: string | undefined): number | undefined {
  const limit = text === undefined ? NaN : Number(text.trim());
  return Number.isSafeInteger(limit) && limit > 0 ? limit : undefined;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
