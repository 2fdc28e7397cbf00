import type { CatalogEngine } from "../../src/adapters/catalog/engine/catalog-engine.js";
import type { EmulatorFaults } from "../../src/adapters/emulator/faults/emulator-faults.js";
import type { Emulator } from "../../src/adapters/emulator/start-emulator.js";
import { emulatorOf } from "../builders/sidecar-on-emulator.js";

/** An emulated upstream that can be restarted: another emulator then, at the same port and over the same catalog. */
export class FaultyUpstream {
  readonly #engine: CatalogEngine;
  #emulator: Emulator;
  #isRunning = true;

  constructor(engine: CatalogEngine, emulator: Emulator) {
    this.#engine = engine;
    this.#emulator = emulator;
  }

  get emulator(): Emulator {
    return this.#emulator;
  }

  get faults(): EmulatorFaults {
    return this.#emulator.faults;
  }

  /** Cuts every connection and forgets every fault; what changes until `restart` is reported to nobody. */
  async kill(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    await this.#emulator.stop();
  }

  async restart(): Promise<void> {
    if (this.#isRunning) return;
    this.#emulator = await emulatorOf(this.#engine, this.#emulator.port);
    this.#isRunning = true;
  }

  async stop(): Promise<void> {
    await this.kill();
    await this.#engine.close();
  }
}
