import type { UpdateListener, UpdateStream } from "../../../ports/update-stream.js";
import type { CatalogEngine } from "./catalog-engine.js";

/** The changes of a catalog in this process, none of which can be missed: it is connected from start to stop. */
export class CatalogUpdateStream implements UpdateStream {
  readonly #engine: CatalogEngine;
  readonly #isCollective: boolean;
  #unsubscribe: (() => void) | undefined;

  /** @param isCollective whether a change of many customers is one: see CatalogEngine.subscribe */
  constructor(engine: CatalogEngine, isCollective = false) {
    this.#engine = engine;
    this.#isCollective = isCollective;
  }

  start(listener: UpdateListener): void {
    this.#unsubscribe?.();
    this.#unsubscribe = this.#engine.subscribe((change) => listener.changed(change), this.#isCollective);
    listener.connected();
  }

  stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    return Promise.resolve();
  }
}
