import { createHash } from "node:crypto";
import { setTimeout as elapse } from "node:timers/promises";
import type { Container } from "inversify";
import { MemoryCache } from "../../adapters/cache/memory/memory-cache.js";
import { CachedStates } from "../../adapters/cache/snapshot/cached-states.js";
import type { DecisionLines } from "../../adapters/ops/decision-lines.js";
import type { MetricFamily } from "../../adapters/ops/metrics/metrics.js";
import { TlsFileFault } from "../../adapters/rpc/listener/tls-material.js";
import { SnapshotFile } from "../../adapters/snapshot/snapshot-file.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import { DependencyState, type Telemetry } from "../../ports/telemetry.js";
import type { Config } from "../config/settings/settings.js";
import { isListenFault, listenFault, StartError } from "../process/start-error.js";
import { buildContainer } from "./container.js";
import type { Foundations } from "./foundations.js";
import { TOKENS } from "./tokens.js";

/** Where a started sidecar listens. */
export interface Listening {
  readonly grpcPort: number;
  readonly metricsPort: number;
  /** Undefined where no certificate is configured. */
  readonly tlsPort: number | undefined;
  /** SHA-256 of the certificate that was made at the start, where one was. */
  readonly tlsFingerprint?: string | undefined;
}

/** One sidecar, from its start to its end. Several can live in one process. */
export class Sidecar {
  readonly #foundations: Foundations;
  readonly #container: Container;
  #ended: Promise<void> | undefined;
  #snapshot: SnapshotFile | undefined;

  constructor(foundations: Foundations) {
    this.#foundations = foundations;
    this.#container = buildContainer(foundations);
  }

  /**
   * Starts everything; once it resolves, checks are answered.
   *
   * @throws StartError when a port cannot be had, a TLS file cannot serve or the decision log cannot be written; then nothing is left behind
   */
  async start(): Promise<Listening> {
    const { config } = this.#foundations;
    try {
      // First of all: whoever watches the start can see that the process lives and is not ready yet.
      const { port: metricsPort } = await this.#listenOps();
      await openDecisionLog(this.#container.get(TOKENS.decisionLines));
      const { source } = this.#foundations;
      this.#snapshot = snapshotOf(
        config,
        this.#foundations.cache?.near ?? this.#container.get(TOKENS.cache),
        this.#foundations,
      );
      const loaded = await this.#snapshot?.load();
      source.start();
      const changes = this.#container.get(TOKENS.recentChanges);
      this.#foundations.cache?.start(changes?.writtenToRedis);
      await this.#foundations.cache?.warm();
      const updates = this.#container.get(TOKENS.followUpdates);
      this.#container.get(TOKENS.stream).start(changes?.before(updates) ?? updates);
      const { port: grpcPort } = await named(
        "GRPC_PORT",
        config.grpcPort,
        config,
        this.#container.get(TOKENS.cleartextListener).listen(config.grpcPort, config.host),
      );
      const tlsPort = await this.#listenTls();
      const deliverReports = this.#container.get(TOKENS.deliverReports);
      deliverReports?.start();
      this.#container.get(TOKENS.watchOutbox)?.start();
      this.#container.get(TOKENS.sharePending)?.start();
      this.#foundations.outbox?.requests.start(() => deliverReports?.wake());
      const isWarm =
        config.readyWhen === "started" || (config.readyWhen === "warm" && loaded !== undefined && loaded.subjects > 0);
      if (isWarm || source.reached === undefined) this.#container.get(TOKENS.readiness).ready();
      else void source.reached.then(() => this.#container.get(TOKENS.readiness).ready());
      return { grpcPort, metricsPort, tlsPort, tlsFingerprint: this.#container.get(TOKENS.selfSigned)?.fingerprint };
    } catch (error) {
      await this.#end(0);
      throw error;
    }
  }

  /** What it measures, as it is now. */
  metrics(): Promise<readonly MetricFamily[]> {
    return this.#container.get(TOKENS.metrics).families();
  }

  /**
   * Ends without losing a call: unready first, then for a while calls are still accepted, then those in
   * flight finish, within the bounds that are configured.
   *
   * @throws AggregateError of all that did not end well; everything that could be ended is
   */
  async stop(): Promise<void> {
    const { config } = this.#foundations;
    this.#container.get(TOKENS.readiness).drain();
    if (this.#ended === undefined) await elapse(config.shutdownLingerMs);
    await this.#end(config.shutdownGraceMs);
  }

  #end(graceMs: number): Promise<void> {
    this.#ended ??= this.#endAll(graceMs);
    return this.#ended;
  }

  async #endAll(graceMs: number): Promise<void> {
    this.#container.get(TOKENS.readiness).drain();
    this.#container.get(TOKENS.shutdown).abort();
    const failures: unknown[] = [];
    const attempt = async (step: () => Promise<void> | undefined) => {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    };
    await Promise.all([
      attempt(() => this.#container.get(TOKENS.cleartextListener).drain(graceMs)),
      attempt(() => this.#container.get(TOKENS.tlsListener)?.drain(graceMs)),
    ]);
    this.#container.get(TOKENS.drillChecks)?.stop("shutdown");
    await attempt(() => this.#container.get(TOKENS.stream).stop());
    this.#container.get(TOKENS.watchOutbox)?.stop();
    await attempt(() => this.#container.get(TOKENS.deliverReports)?.stop());
    await attempt(() => this.#foundations.outbox?.requests.stop());
    await attempt(() => this.#container.get(TOKENS.sharePending)?.stop());
    await attempt(() => this.#foundations.outbox?.close());
    // After the last report has been counted, so that what is kept is complete.
    await attempt(() => this.#foundations.source.close());
    await attempt(() => this.#foundations.cache?.close());
    await attempt(() => this.#snapshot?.close());
    await attempt(() => this.#foundations.access?.close());
    await attempt(() => this.#foundations.failurePolicies?.close());
    await attempt(() => this.#container.get(TOKENS.decisionLines)?.close());
    await attempt(() => this.#container.get(TOKENS.opsServer).close());
    if (failures.length > 0) throw new AggregateError(failures, "the sidecar did not end cleanly");
  }

  #listenOps(): Promise<{ readonly port: number }> {
    const { metricsPort, metricsHost, host } = this.#foundations.config;
    const at = metricsHost ?? host;
    const listening = this.#container.get(TOKENS.opsServer).listen(metricsPort, at);
    return named(
      "METRICS_PORT",
      metricsPort,
      { host: at },
      listening,
      metricsHost === undefined ? "LISTEN_HOST" : "METRICS_HOST",
    );
  }

  async #listenTls(): Promise<number | undefined> {
    const listener = this.#container.get(TOKENS.tlsListener);
    if (listener === undefined) return undefined;
    const { config } = this.#foundations;
    return (await named("PORT", config.port, config, listener.listen(config.port, config.host))).port;
  }
}

async function openDecisionLog(lines: DecisionLines | undefined): Promise<void> {
  try {
    await lines?.open();
  } catch (cause) {
    throw new StartError(`DECISION_LOG_FILE: ${(cause as Error).message}`, { cause });
  }
}

/** A listener that cannot start is a fault of the configuration: it is reported by the setting's name, with what to do. */
async function named<T>(
  portName: string,
  port: number,
  { host }: Pick<Config, "host">,
  listening: Promise<T>,
  hostName = "LISTEN_HOST",
): Promise<T> {
  try {
    return await listening;
  } catch (error) {
    const message = isListenFault(error)
      ? listenFault(error, { port, host, portName, hostName })
      : `${error instanceof TlsFileFault ? error.setting : portName}: ${error instanceof Error ? error.message : String(error)}`;
    throw new StartError(message, { cause: error });
  }
}

const ENVIRONMENT_BYTES = 8;

/** The file of cached states that is configured; undefined where none is, or nothing is cached that is not cached anyway. */
function snapshotOf(
  config: Config,
  near: CacheStore,
  { clock, logger, telemetry }: { readonly clock: Clock; readonly logger: Logger; readonly telemetry: Telemetry },
): SnapshotFile | undefined {
  const { snapshotFile, catalogFile, offline } = config;
  if (snapshotFile === undefined || catalogFile !== undefined || offline || !(near instanceof MemoryCache))
    return undefined;
  return new SnapshotFile({
    file: snapshotFile,
    environment: environmentOf(config),
    states: new CachedStates(near),
    clock,
    logger,
    state: new DependencyState("snapshot", telemetry.dependencies),
  });
}

/** What states of different environments differ in, without telling the key. */
function environmentOf({ serverApiKey = "", apiUrl, redisEnvironmentPrefix = "" }: Config): Buffer {
  return createHash("sha256")
    .update(JSON.stringify([serverApiKey, apiUrl, redisEnvironmentPrefix]))
    .digest()
    .subarray(0, ENVIRONMENT_BYTES);
}
