import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startSidecar } from "../../src/public/testing.js";
import { ServiceProcess } from "../integration/service/service-process.js";
import { onTestFinished } from "../support/on-test-finished.js";
import { INTEROP_CATALOG } from "./catalog.js";
import { temporaryDirectory } from "./workspace.js";

/** A sidecar of one test's own, since clients report usage. @returns its address, HOST:PORT */
export async function sidecarForClient(): Promise<string> {
  const sidecar = await startSidecar({ catalog: INTEROP_CATALOG });
  onTestFinished(() => sidecar.stop());
  return sidecar.address;
}

/** The same with an outbox, so that every report is accepted on disk and delivered from there. Has to be built. */
export async function sidecarWithOutbox(): Promise<string> {
  const directory = await temporaryDirectory("outbox");
  const catalog = join(directory, "catalog.json");
  await writeFile(catalog, JSON.stringify(INTEROP_CATALOG));
  const service = new ServiceProcess(["serve"], {
    CATALOG_FILE: catalog,
    USAGE_OUTBOX_DIR: join(directory, "outbox"),
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    LISTEN_HOST: "127.0.0.1",
    START_MESSAGE: "json",
    SHUTDOWN_LINGER_MS: "0",
  });
  onTestFinished(async () => {
    service.child.kill("SIGTERM");
    await service.ended;
  });
  return `127.0.0.1:${(await service.started()).grpcPort}`;
}
