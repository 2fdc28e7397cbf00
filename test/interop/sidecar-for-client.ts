import type { TestContext } from "vitest";
import { startSidecar } from "../../src/public/testing.js";
import { INTEROP_CATALOG } from "./catalog.js";

/** A sidecar of one test's own, since clients report usage. @returns its address, HOST:PORT */
export async function sidecarForClient(context: TestContext): Promise<string> {
  const sidecar = await startSidecar({ catalog: INTEROP_CATALOG });
  context.onTestFinished(() => sidecar.stop());
  return sidecar.address;
}
