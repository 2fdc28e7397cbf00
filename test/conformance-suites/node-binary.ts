import { join } from "node:path";
import { probeToolchain, runCommand } from "../interop/run-command.js";
import { CACHE_DIRECTORY } from "../support/repository.js";

/** A Node that servers under test run on. */
export interface NodeBinary {
  readonly binary: string;
  /** As "20.20.2". */
  readonly version: string;
}

/** @throws Error where there is no such program */
export async function nodeBinary(binary: string): Promise<NodeBinary> {
  const version = await probeToolchain(binary, ["-p", "process.versions.node"]);
  if (version === undefined) throw new Error(`--node ${binary}: it does not run; give the path of a Node binary`);
  return { binary, version };
}

/** The newest Node of a major version that npm has, kept between runs. */
export async function downloadedNode(major: number): Promise<NodeBinary> {
  const directory = join(CACHE_DIRECTORY, `node-${major}`);
  const binary = join(directory, "node_modules", `node-linux-${process.arch}`, "bin", "node");
  if ((await probeToolchain(binary, ["--version"])) === undefined) {
    const options = ["--prefix", directory, "--no-save", "--no-audit", "--no-fund", "--silent"];
    await runCommand("npm", ["install", ...options, `node-linux-${process.arch}@${major}`]);
  }
  return nodeBinary(binary);
}
