import type { CatalogEngine } from "../../src/adapters/catalog/engine/catalog-engine.js";
import { CatalogUpdateStream, CatalogUpstreamClient } from "../../src/adapters/catalog/engine/catalog-ports.js";
import { openCatalog } from "../../src/adapters/catalog/engine/open-catalog.js";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import { type Emulator, startEmulator } from "../../src/adapters/emulator/start-emulator.js";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import type { Environment } from "../../src/bootstrap/config/read-settings.js";
import { loadConfig } from "../../src/bootstrap/config/sidecar-config.js";
import { openCache } from "../../src/bootstrap/sidecar/foundations.js";
import { openOutbox } from "../../src/bootstrap/sidecar/outbox.js";
import { type Listening, Sidecar } from "../../src/bootstrap/sidecar/sidecar.js";
import { vendorSource, type VendorTuning } from "../../src/bootstrap/source/vendor-source.js";
import { newTelemetry, type Telemetry } from "../../src/ports/telemetry.js";
import { RecordingLogger } from "../fakes/recording-logger.js";

export const API_KEY = "server-key";

/** The vendor's API, emulated over a catalog that a test may change at any time. */
export interface EmulatedUpstream {
  readonly emulator: Emulator;
  readonly engine: CatalogEngine;
  stop(): Promise<void>;
}

export async function emulatedUpstream(catalog: CatalogInput, port = 0): Promise<EmulatedUpstream> {
  const engine = await openCatalog({ source: { catalog }, clock: new SystemClock(), logger: new RecordingLogger() });
  const emulator = await emulatorOf(engine, port);
  return {
    emulator,
    engine,
    async stop() {
      await emulator.stop();
      await engine.close();
    },
  };
}

/** One more emulator over the same catalog: what comes back when an upstream restarts on its port. */
export function emulatorOf(engine: CatalogEngine, port: number): Promise<Emulator> {
  return startEmulator({
    upstream: new CatalogUpstreamClient(engine),
    updates: new CatalogUpdateStream(engine),
    apiKey: API_KEY,
    port,
  });
}

/** A whole sidecar in the test's process, wired as the service wires it, with the vendor's upstream behind it. */
export interface SidecarUnderTest extends Listening {
  readonly baseUrl: string;
  readonly telemetry: Telemetry;
  readonly logger: RecordingLogger;
  stop(): Promise<void>;
}

export async function sidecarOn(
  upstream: { readonly url: string; readonly wsUrl: string },
  environment: Environment = {},
  tuning: VendorTuning = {},
): Promise<SidecarUnderTest> {
  const { config } = loadConfig({
    SERVER_API_KEY: API_KEY,
    API_URL: upstream.url,
    EDGE_API_URL: upstream.url,
    WS_URL: upstream.wsUrl,
    LISTEN_HOST: "127.0.0.1",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_LINGER_MS: "0",
    SHUTDOWN_GRACE_MS: "1000",
    ...environment,
  });
  const logger = new RecordingLogger();
  const clock = new SystemClock();
  const telemetry = newTelemetry();
  const services = { clock, logger, telemetry };
  const cache = await openCache(config, services);
  const source = vendorSource(config, config.serverApiKey ?? API_KEY, services, tuning);
  const outbox = openOutbox(config, services);
  const sidecar = new Sidecar({ config, ...services, source, cache, outbox });
  const listening = await sidecar.start();
  return {
    ...listening,
    baseUrl: `http://127.0.0.1:${listening.grpcPort}`,
    telemetry,
    logger,
    stop: () => sidecar.stop(),
  };
}
