import { createHash } from "node:crypto";
import { access, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CACHE_DIRECTORY, PROTO_DIRECTORY } from "../support/repository.js";
import { runCommand } from "./run-command.js";

const SOURCES = fileURLToPath(new URL("python/", import.meta.url));

export interface PythonProgram {
  readonly interpreter: string;
  readonly script: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it runs on. */
  readonly libraries: string;
}

/** Prepares the client: an environment with grpcio, and stubs of our proto in `directory`. */
export async function preparePythonProgram(directory: string, pythonVersion: string): Promise<PythonProgram> {
  const requirements = await readFile(join(SOURCES, "requirements.txt"), "utf8");
  const interpreter = await pythonEnvironment(SOURCES, pythonVersion);
  const protos = ["-I", PROTO_DIRECTORY, join(PROTO_DIRECTORY, "stigg/sidecar/v1/sidecar.proto")];
  await runCommand(interpreter, [
    "-m",
    "grpc_tools.protoc",
    `--python_out=${directory}`,
    `--grpc_python_out=${directory}`,
    ...protos,
  ]);
  return {
    interpreter,
    script: join(SOURCES, "client.py"),
    env: { PYTHONPATH: directory, PYTHONDONTWRITEBYTECODE: "1" },
    libraries: `${pythonVersion}, ${requirements.trim().replaceAll("\n", ", ")}`,
  };
}

/**
 * An environment with what a folder's requirements.txt names. Kept between runs: fetching takes much longer than all of the checks.
 *
 * @returns its interpreter
 */
export async function pythonEnvironment(folder: string, pythonVersion: string): Promise<string> {
  const requirements = await readFile(join(folder, "requirements.txt"), "utf8");
  const key = createHash("sha256").update(requirements).update(pythonVersion).digest("hex").slice(0, 12);
  const environment = join(CACHE_DIRECTORY, `python-${key}`);
  const interpreter = join(environment, "bin", "python");
  const complete = join(environment, "complete");
  if (await exists(complete)) return interpreter;
  await rm(environment, { recursive: true, force: true });
  await mkdir(CACHE_DIRECTORY, { recursive: true });
  await runCommand("python3", ["-m", "venv", environment]);
  await runCommand(interpreter, ["-m", "pip", "install", "--quiet", "--requirement", join(folder, "requirements.txt")]);
  // Written last, so that an environment whose making was cut short is made again.
  await writeFile(complete, "");
  return interpreter;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
