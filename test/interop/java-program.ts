import { cp } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROTO_DIRECTORY } from "../support/repository.js";
import { runCommand } from "./run-command.js";

const SOURCES = fileURLToPath(new URL("java/", import.meta.url));

/** Builds the client in `directory` by Maven. @returns the arguments with which `java` runs it */
export async function buildJavaProgram(directory: string): Promise<readonly string[]> {
  await cp(SOURCES, directory, { recursive: true });
  await runCommand(
    "mvn",
    ["--batch-mode", "--quiet", "--no-transfer-progress", `-Dproto.directory=${PROTO_DIRECTORY}`, "process-classes"],
    { cwd: directory },
  );
  const classes = join(directory, "target", "classes");
  const libraries = join(directory, "target", "lib", "*");
  return ["-cp", [classes, libraries].join(delimiter), "interop.Client"];
}
