import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  availableMemory,
  type MemorySources,
  THIS_MACHINE,
} from "../../../../src/bootstrap/config/available-memory.js";

const MiB = 1024 * 1024;
const UNLIMITED_V1 = "9223372036854771712";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cgroups-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function available(files: Readonly<Record<string, string>>, sources: Partial<MemorySources> = {}): number {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }
  return availableMemory({
    cgroupRoot: join(folder, "cgroup"),
    ownCgroups: join(folder, "self"),
    machineBytes: () => 8192 * MiB,
    constrainedBytes: () => undefined,
    heapBytes: () => 16_384 * MiB,
    ...sources,
  });
}

describe("the memory available", () => {
  it.each<[situation: string, files: Readonly<Record<string, string>>, mebibytes: number]>([
    ["no cgroup", {}, 8192],
    ["version 2, in a container", { self: "0::/", "cgroup/memory.max": `${512 * MiB}` }, 512],
    ["version 2, no limit", { self: "0::/", "cgroup/memory.max": "max" }, 8192],
    [
      "version 2, a limit above",
      { self: "0::/a/b", "cgroup/a/memory.max": `${256 * MiB}`, "cgroup/a/b/memory.max": "max" },
      256,
    ],
    [
      "version 2, the least of several",
      {
        self: "0::/a/b",
        "cgroup/memory.max": `${900 * MiB}`,
        "cgroup/a/memory.max": `${700 * MiB}`,
        "cgroup/a/b/memory.max": `${800 * MiB}`,
      },
      700,
    ],
    [
      "version 1, its own path",
      { self: "4:memory:/docker/x", "cgroup/memory/docker/x/memory.limit_in_bytes": `${300 * MiB}` },
      300,
    ],
    [
      "version 1, in a container",
      { self: "4:cpu,memory:/docker/x", "cgroup/memory/memory.limit_in_bytes": `${400 * MiB}` },
      400,
    ],
    ["version 1, no limit", { self: "4:memory:/", "cgroup/memory/memory.limit_in_bytes": UNLIMITED_V1 }, 8192],
    ["version 1, another controller", { self: "4:cpu:/", "cgroup/memory/memory.limit_in_bytes": `${1 * MiB}` }, 8192],
    ["a limit above what the machine has", { self: "0::/", "cgroup/memory.max": `${99_999 * MiB}` }, 8192],
    ["nonsense", { self: "0::/\nnonsense\n", "cgroup/memory.max": "lots" }, 8192],
  ])("%s", (_situation, files, mebibytes) => {
    expect(available(files)).toBe(mebibytes * MiB);
  });

  it("is no more than the runtime says it is held to", () => {
    expect(available({}, { constrainedBytes: () => 100 * MiB })).toBe(100 * MiB);
    expect(available({}, { constrainedBytes: () => 0 })).toBe(8192 * MiB);
  });

  it("is no more than the JavaScript heap, in which the states live", () => {
    expect(available({}, { heapBytes: () => 2048 * MiB })).toBe(2048 * MiB);
  });

  it("can be read on this machine", () => {
    expect(availableMemory(THIS_MACHINE)).toBeGreaterThan(MiB);
    expect(availableMemory(THIS_MACHINE)).toBeLessThanOrEqual(THIS_MACHINE.machineBytes());
  });
});
