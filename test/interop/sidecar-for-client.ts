import { startSidecar } from "../../src/public/testing.js";
import { onTestFinished } from "../support/on-test-finished.js";
import { INTEROP_CATALOG } from "./catalog.js";

/** A sidecar of one test's own, since clients report usage. @returns its address, HOST:PORT */
export async function sidecarForClient(): Promise<string> {
  const sidecar = await startSidecar({ catalog: INTEROP_CATALOG });
  onTestFinished(() => sidecar.stop());
  return sidecar.address;
}
