import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "@jest/globals";
import { onTestFinished } from "../support/on-test-finished.js";

/** A directory for one test, gone when it has finished. */
export async function temporaryDirectory(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `entitlement-sidecar-${name}-`));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A directory for all tests of one file, gone after the last. To be asked for while the file is read. */
export async function directoryForFile(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `entitlement-sidecar-${name}-`));
  afterAll(() => rm(path, { recursive: true, force: true }));
  return path;
}
