import type { CatalogEngine } from "../../src/adapters/catalog/engine/catalog-engine.js";
import { CatalogUpdateStream, CatalogUpstreamClient } from "../../src/adapters/catalog/engine/catalog-ports.js";
import { openCatalog } from "../../src/adapters/catalog/engine/open-catalog.js";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import { type Emulator, startEmulator } from "../../src/adapters/emulator/start-emulator.js";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import type { Change } from "../../src/domain/change.js";
import type { UpdateListener, UpdateStream } from "../../src/ports/change-sources.js";
import { RecordingLogger } from "./recording-logger.js";

export const API_KEY = "server-key-of-the-tests";

/** An update stream that also tells what a test has it tell, for what its source never says by itself. */
class PromptedUpdates implements UpdateStream {
  readonly #source: UpdateStream;
  #listener: UpdateListener | undefined;

  constructor(source: UpdateStream) {
    this.#source = source;
  }

  start(listener: UpdateListener): void {
    this.#listener = listener;
    this.#source.start(listener);
  }

  stop(): Promise<void> {
    return this.#source.stop();
  }

  tell(change: Change): void {
    this.#listener?.changed(change);
  }

  disconnect(): void {
    this.#listener?.disconnected();
  }
}

export interface EmulatedCatalog {
  readonly emulator: Emulator;
  readonly engine: CatalogEngine;
  readonly updates: Pick<PromptedUpdates, "tell" | "disconnect">;
  stop(): Promise<void>;
}

/** The emulator, for real, in front of a real catalog. */
export async function emulateCatalog(
  catalog: CatalogInput,
  options: { readonly port?: number; readonly apiKey?: string | undefined; readonly control?: boolean } = {},
): Promise<EmulatedCatalog> {
  const engine = await openCatalog({ source: { catalog }, clock: new SystemClock(), logger: new RecordingLogger() });
  const updates = new PromptedUpdates(new CatalogUpdateStream(engine));
  const emulator = await startEmulator({
    upstream: new CatalogUpstreamClient(engine),
    updates,
    apiKey: API_KEY,
    port: 0,
    ...options,
  });
  return {
    emulator,
    engine,
    updates,
    stop: async () => {
      await emulator.stop();
      await engine.close();
    },
  };
}
