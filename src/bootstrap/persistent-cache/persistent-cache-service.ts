import type { Container } from "inversify";
import type { MetricFamily } from "../../adapters/ops/metrics/exposition.js";
import { elapse } from "../../ports/waits.js";
import { redisSecrets } from "../cache/redis-connection.js";
import type { ReplaceableSecret } from "../process/follow-file-settings.js";
import { StartError } from "../process/start-error.js";
import { listenFault } from "../sidecar/listen-fault.js";
import { buildContainer, type PersistentCacheFoundations, TOKENS } from "./container.js";
import { PERSISTENT_CACHE_SETTINGS } from "./settings.js";
import { TUNING, type Tuning } from "./tuning.js";

/** How long telling the queue of the last messages may take, milliseconds. */
const CLOSE_MS = 3_000;

export interface PersistentCacheParts extends Omit<PersistentCacheFoundations, "tuning"> {
  readonly tuning?: Partial<Tuning>;
}

/** Keeps the shared Redis in step with a queue, from its start to its end. Several can live in one process. */
export class PersistentCacheService {
  readonly #foundations: PersistentCacheFoundations;
  readonly #container: Container;

  /** Begins to connect to Redis. @throws StartError when the file of authorities cannot be read */
  constructor(parts: PersistentCacheParts) {
    this.#foundations = { ...parts, tuning: { ...TUNING, ...parts.tuning } };
    this.#container = buildContainer(this.#foundations);
    this.#container.get(TOKENS.redis);
  }

  /** What is taken into use while it runs. */
  get replaceable(): readonly ReplaceableSecret[] {
    return [
      {
        setting: PERSISTENT_CACHE_SETTINGS.serverApiKey,
        called: "API key",
        replace: (key) => {
          this.#container.get(TOKENS.identity).apiKey = key;
          this.#foundations.telemetry.apiKeyState = "unknown";
        },
        effect: "requests carry the new one",
      },
      ...redisSecrets((secrets) => this.#container.get(TOKENS.redis).useSecrets(secrets)),
    ];
  }

  /**
   * Resolves once health is served; messages are consumed as soon as Redis and the queue are there.
   *
   * @throws StartError when the port cannot be had; then nothing is left behind
   */
  async start(): Promise<{ readonly port: number }> {
    try {
      const { port } = await this.#listen();
      this.#container.get(TOKENS.rollback).start();
      this.#container.get(TOKENS.gate).start();
      this.#container.get(TOKENS.consume).start();
      return { port };
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** What it measures, as it is now. */
  metrics(): Promise<readonly MetricFamily[]> {
    return this.#container.get(TOKENS.metrics).families();
  }

  /** Takes no more messages, finishes those in hand, within bounds, and gives back what is left. */
  async stop(): Promise<void> {
    const { clock, tuning } = this.#foundations;
    this.#container.get(TOKENS.rollback).stop();
    this.#container.get(TOKENS.sweep).stop();
    this.#container.get(TOKENS.refetch).stop();
    this.#container.get(TOKENS.changes).stop();
    await atMost(tuning.graceMs, this.#container.get(TOKENS.consume).stop());
    await atMost(CLOSE_MS, this.#container.get(TOKENS.queue).close());
    this.#release();
    await this.#container.get(TOKENS.opsServer).close();

    async function atMost(timeMs: number, work: Promise<void>): Promise<void> {
      await Promise.race([work, elapse(timeMs, clock)]);
    }
  }

  async #listen(): Promise<{ readonly port: number }> {
    const { port } = this.#foundations.config;
    try {
      return await this.#container.get(TOKENS.opsServer).listen(port, undefined);
    } catch (error) {
      throw new StartError(listenFault(error, { port, host: undefined, portName: "PORT" }), { cause: error });
    }
  }

  #release(): void {
    this.#container.get(TOKENS.gate).stop();
    this.#container.get(TOKENS.upstream).close();
    this.#container.get(TOKENS.redis).close();
  }
}
