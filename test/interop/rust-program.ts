import { cp, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CACHE_DIRECTORY } from "../support/repository.js";
import { runCommand } from "./run-command.js";

const SOURCES = fileURLToPath(new URL("rust/", import.meta.url));

/** Builds the client by cargo. What it was built of is kept between runs: it takes minutes. @returns its executable */
export async function buildRustProgram(): Promise<string> {
  const directory = join(CACHE_DIRECTORY, "rust");
  await mkdir(directory, { recursive: true });
  await cp(SOURCES, directory, { recursive: true, preserveTimestamps: true });
  await runCommand("cargo", ["build", "--quiet", "--locked"], { cwd: directory });
  return join(directory, "target", "debug", "interop-client");
}
