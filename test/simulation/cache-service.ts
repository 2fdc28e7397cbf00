import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import { readSettings } from "../../src/bootstrap/config/read-settings.js";
import { PersistentCacheService } from "../../src/bootstrap/persistent-cache/persistent-cache-main.js";
import { PERSISTENT_CACHE } from "../../src/bootstrap/persistent-cache/settings.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { ENVIRONMENT, loggerOfUnexpected } from "./fleet.js";
import { SimProcess } from "./world/sim-process.js";
import { theWorld } from "./world/world.js";

export const QUEUE_HOST = "queue";

interface Started {
  readonly process: SimProcess;
  readonly service: PersistentCacheService;
}

/** One instance of the persistent-cache service: the product's own, started again and again. */
export class SimCacheService {
  readonly name: string;
  /** What the product logged as unexpected. */
  readonly unexpected: string[] = [];
  started: Started | undefined;
  readonly #settings: Readonly<Record<string, string>>;
  #runs = 0;

  constructor(name: string, settings: Readonly<Record<string, string>>) {
    this.name = name;
    this.#settings = settings;
  }

  /** Begins in an event of its own process. */
  start(): void {
    const { scheduler } = theWorld();
    const process = new SimProcess(`${this.name}#${++this.#runs}`, this.name);
    scheduler.after(0, process, () => {
      const service = this.#open();
      this.started = { process, service };
      void service.start();
    });
  }

  kill(): void {
    this.started?.process.kill();
    this.started = undefined;
  }

  /** As a deployment does it: told to end, and killed once it has ended or has taken too long. */
  restart(graceMs: number): void {
    const { scheduler } = theWorld();
    const { started } = this;
    if (started === undefined) return;
    this.started = undefined;
    const replace = () => {
      if (!started.process.isAlive) return;
      started.process.kill();
      this.start();
    };
    scheduler.after(0, started.process, () => {
      void started.service.stop().then(() => scheduler.after(0, undefined, replace));
    });
    scheduler.after(graceMs * 1_000, undefined, replace);
  }

  #open(): PersistentCacheService {
    const { config } = readSettings(PERSISTENT_CACHE, {
      AWS_REGION: "us-east-1",
      QUEUE_URL: `http://${QUEUE_HOST}/changes`,
      SERVER_API_KEY: "key",
      ENVIRONMENT_PREFIX: ENVIRONMENT,
      EDGE_API_URL: "http://edge",
      REDIS_HOST: "redis",
      PORT: "0",
      ...this.#settings,
    });
    return new PersistentCacheService({
      config,
      clock: new SystemClock(),
      logger: loggerOfUnexpected(this.unexpected),
      telemetry: newTelemetry(),
      hasOwnEndpoint: false,
    });
  }
}
