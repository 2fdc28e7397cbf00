import type { UpdateListener, UpdateStream } from "../../ports/update-stream.js";
import type { CatalogEngine } from "./catalog-engine.js";

/** The changes of a catalog in this process, none of which can be missed: it is connected from start to stop. */
export class CatalogUpdateStream implements UpdateStream {
  readonly #engine: CatalogEngine;
  #unsubscribe: (() => void) | undefined;

  constructor(engine: CatalogEngine) {
    this.#engine = engine;
  }

  start(listener: UpdateListener): void {
    this.#unsubscribe?.();
    this.#unsubscribe = this.#engine.subscribe((change) => listener.changed(change));
    listener.connected();
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    return Promise.resolve();
  }
}
