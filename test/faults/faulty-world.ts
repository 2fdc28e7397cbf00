import { setTimeout as pause } from "node:timers/promises";
import { emulatedUpstream, sidecarOn, type SidecarUnderTest } from "../builders/sidecar-on-emulator.js";
import { ChangingCatalog } from "./changing-catalog.js";
import { CheckingClient } from "./checking-client.js";
import type { FactHistory } from "./fact-history.js";
import { FaultyUpstream } from "./faulty-upstream.js";
import { LoopLag } from "./loop-lag.js";
import type { RandomFault } from "./random-fault.js";
import type { SeededRandom } from "./seeded-random.js";

export const BUDGET_MS = 500;
const CLIENTS = 8;

/** A sidecar whose upstream can fail, a catalog that changes, and clients that check all the time. */
export class FaultyWorld {
  readonly catalog: ChangingCatalog;
  readonly violations: string[] = [];
  readonly clients: readonly CheckingClient[];
  readonly upstream: FaultyUpstream;
  readonly sidecar: SidecarUnderTest;
  readonly #lag: LoopLag;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<() => void>();
  #running: Promise<unknown> = Promise.resolve();

  private constructor(
    catalog: ChangingCatalog,
    upstream: FaultyUpstream,
    sidecar: SidecarUnderTest,
    random: SeededRandom,
  ) {
    this.catalog = catalog;
    this.upstream = upstream;
    this.sidecar = sidecar;
    this.#lag = new LoopLag();
    this.clients = Array.from(
      { length: CLIENTS },
      () =>
        new CheckingClient({
          baseUrl: sidecar.baseUrl,
          customers: catalog.customers,
          random: random.fork(),
          budgetMs: BUDGET_MS,
          lag: this.#lag,
          onViolation: (violation) => this.violations.push(violation),
          onAnswer: () => {
            for (const look of this.#waiting) look();
          },
        }),
    );
  }

  /** @param withEdge whether states are read from Edge and from the API, or from the API alone */
  static async open(customers: number, random: SeededRandom, withEdge = true): Promise<FaultyWorld> {
    const catalog = new ChangingCatalog(customers);
    const { engine, emulator } = await emulatedUpstream(catalog.input());
    catalog.follow(engine);
    const upstream = new FaultyUpstream(engine, emulator);
    const sidecar = await sidecarOn(emulator, {
      ENTITLEMENTS_TIMEOUT_MS: String(BUDGET_MS),
      EDGE_ENABLED: String(withEdge),
    });
    const { subscriptions } = emulator.stats;
    await emulator.stats.until(() =>
      ["entitlementsUpdatedV2", "usageUpdatedV2", "packagePublished"].every((field) => subscriptions.get(field) === 1),
    );
    return new FaultyWorld(catalog, upstream, sidecar, random);
  }

  startChecking(): void {
    this.#running = Promise.all(this.clients.map((client) => client.run(this.#stopping.signal)));
  }

  /**
   * Resolves once answers that vouch for themselves have shown all of these facts as they are. Checks go on meanwhile.
   *
   * @throws Error naming what was not shown
   */
  async untilAcknowledged(facts: () => readonly FactHistory[], timeoutMs: number): Promise<void> {
    const missing = () => facts().filter(({ isAcknowledged }) => !isAcknowledged);
    if (missing().length === 0) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (how: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        how();
      };
      const look = () => {
        if (missing().length === 0) settle(resolve);
      };
      const timer = setTimeout(() => {
        const names = missing().map(
          ({ name, latest, shown }) => `${name} is ${latest ?? "?"} and was last told as ${shown ?? "?"}`,
        );
        settle(() => reject(new Error(`not told within ${timeoutMs} ms: ${names.join(", ")}`)));
      }, timeoutMs);
      this.#waiting.add(look);
    });
  }

  /** Faults that overlap, while the catalog changes. Resolves when the last one has ended. */
  async endure(faults: readonly RandomFault[], random: SeededRandom): Promise<void> {
    const changing = new AbortController();
    const changes = this.#changeUntil(changing.signal, random);
    await Promise.all(faults.map((fault) => this.#endureOne(fault)));
    changing.abort();
    await changes;
  }

  async #endureOne(fault: RandomFault): Promise<void> {
    await pause(fault.startsAfterMs);
    const heal = await fault.strike(this.upstream);
    await pause(fault.lastsMs);
    await heal();
  }

  async #changeUntil(signal: AbortSignal, random: SeededRandom): Promise<void> {
    while (!signal.aborted) {
      await pause(random.integer(0, 12));
      await this.catalog.change(random);
    }
  }

  async stopChecking(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async close(): Promise<void> {
    await this.stopChecking();
    this.#lag.stop();
    await this.sidecar.stop();
    await this.upstream.stop();
  }
}
