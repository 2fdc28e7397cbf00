import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { resolve } from "node:path";
import { REPO } from "../processes/child.js";
import { canPin } from "../processes/cores.js";

const PACKAGES = ["@connectrpc/connect", "@grpc/grpc-js", "@stigg/node-server-sdk", "ioredis"] as const;

/** Where, and with what, something was measured. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly processors: number;
  readonly memoryGb: number;
  readonly kernel: string;
  /** Of the servers. */
  readonly node: string;
  readonly generatorNode: string;
  readonly commit: string;
  readonly versions: Readonly<Record<string, string>>;
  /** Whether servers had a core to themselves. */
  readonly isPinned: boolean;
  /** Whether they went before whatever else wanted one. */
  readonly goesFirst: boolean;
  /** What the machine did besides, over the minute before. */
  readonly loadBefore: number;
}

export function describeMachine(node: string, goesFirst: boolean): Machine {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    processors: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: execFileSync(node, ["--version"], { encoding: "utf8" }).trim(),
    generatorNode: process.version,
    commit: commitOf(),
    versions: Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
    isPinned: canPin,
    goesFirst,
    loadBefore: loadavg()[0] ?? Number.NaN,
  };
}

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(resolve(REPO, "node_modules", name, "package.json"), "utf8")) as {
    readonly version: string;
  };
  return version;
}

/** Undefined in a copy that is no clone. */
function commitOf(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], {
      cwd: REPO,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}
