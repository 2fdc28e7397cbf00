import { fromBinary, fromJson, type JsonObject, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { expect } from "@jest/globals";
import type { CatalogEngine } from "../../../src/adapters/catalog/engine/catalog-engine.js";
import { CatalogUpdateStream, CatalogUpstreamClient } from "../../../src/adapters/catalog/engine/catalog-ports.js";
import { openCatalog } from "../../../src/adapters/catalog/engine/open-catalog.js";
import type { CatalogInput } from "../../../src/adapters/catalog/file/catalog-input.js";
import { type Emulator, startEmulator } from "../../../src/adapters/emulator/start-emulator.js";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import { SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { SidecarMethod } from "../../../src/adapters/rpc/service/sidecar-calls.js";
import type { Clock } from "../../../src/ports/clock.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { API_KEY, sidecarOn, type SidecarUnderTest } from "../../builders/sidecar-on-emulator.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { ReferenceClient, type ReferenceConfiguration } from "../../fixtures/reference-client/reference-client.js";
import { untilPasses } from "../../support/expectations.js";

export const ENVIRONMENT = "side-by-side";

/** What Edge is asked for by the published client, and by this project. */
export const FETCHED_BY = { reference: "entitlements.json", sidecar: "entitlements-state.json" } as const;

/** A sidecar in Redis mode, with a client of its gRPC service. */
export class SidecarOnRedis {
  readonly sidecar: SidecarUnderTest;
  readonly #client: Client;

  constructor(sidecar: SidecarUnderTest) {
    this.sidecar = sidecar;
    this.#client = new Client(`127.0.0.1:${sidecar.grpcPort}`, credentials.createInsecure());
  }

  /** One call through gRPC; requests and answers in protobuf's JSON. */
  call(method: SidecarMethod, request: JsonObject): Promise<JsonValue> {
    const { name, input, output } = SidecarService.method[method];
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        `/${SidecarService.typeName}/${name}`,
        (json: JsonObject) => Buffer.from(toBinary(input, fromJson(input, json))),
        (bytes) => toJson(output, fromBinary(output, bytes)),
        request,
        (error: ServiceError | null, response) => (error === null ? resolve(response ?? null) : reject(error)),
      );
    });
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.sidecar.stop();
  }
}

/** One Redis and one upstream, for published clients and sidecars beside each other. */
export class SideBySide {
  readonly redis: RedisServer;
  readonly emulator: Emulator;
  readonly engine: CatalogEngine;
  readonly #stops: (() => Promise<void>)[] = [];

  private constructor(redis: RedisServer, emulator: Emulator, engine: CatalogEngine) {
    this.redis = redis;
    this.emulator = emulator;
    this.engine = engine;
  }

  static async start(catalog: CatalogInput, clock: Clock = new SystemClock()): Promise<SideBySide> {
    const redis = await startRedis();
    const engine = await openCatalog({ source: { catalog }, clock, logger: new RecordingLogger() });
    const emulator = await startEmulator({
      upstream: new CatalogUpstreamClient(engine),
      updates: new CatalogUpdateStream(engine),
      apiKey: API_KEY,
      port: 0,
      clock,
    });
    return new SideBySide(redis, emulator, engine);
  }

  async reference(rest: Partial<ReferenceConfiguration> = {}): Promise<ReferenceClient> {
    const { url, wsUrl } = this.emulator;
    const client = await ReferenceClient.start({
      apiKey: API_KEY,
      baseUri: url,
      baseEdgeUri: url,
      wsUrl,
      redis: { host: this.redis.host, port: this.redis.port, environmentPrefix: ENVIRONMENT },
      ...rest,
    });
    this.#stops.push(() => client.stop());
    await client.call("waitForInitialization");
    return client;
  }

  /** Resolves once it reads and writes Redis, and is notified of what others write. */
  async sidecar(environment: Readonly<Record<string, string>> = {}): Promise<SidecarOnRedis> {
    const followersBefore = await this.#followers();
    const running = new SidecarOnRedis(
      await sidecarOn(this.emulator, {
        REDIS_ENVIRONMENT_PREFIX: ENVIRONMENT,
        REDIS_HOST: this.redis.host,
        REDIS_PORT: String(this.redis.port),
        ...environment,
      }),
    );
    this.#stops.push(() => running.stop());
    await eventually(async () => expect(await this.#followers()).toBeGreaterThan(followersBefore));
    const warmUp = { customerId: `warm-up-${running.sidecar.grpcPort}` };
    await eventually(async () => {
      await running.call("reloadEntitlements", warmUp);
      expect(await this.redis.admin.exists(`${ENVIRONMENT}:c_${warmUp.customerId}`)).toBe(1);
    });
    return running;
  }

  /** How often upstream was asked for entitlements of a customer or one of its resources, by whomever. */
  fetchesOf(customerId: string): number {
    return this.emulator.stats.requests.filter(({ path }) =>
      path.startsWith(`/v1/c/${encodeURIComponent(customerId)}/entitlements`),
    ).length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#stops.splice(0).map((stop) => stop()));
    await this.emulator.stop();
    await this.engine.close();
    await this.redis.stop();
  }

  /** Connections that Redis tells of writes. */
  async #followers(): Promise<number> {
    const clients = (await this.redis.admin.client("LIST")) as string;
    return clients.split("\n").filter((line) => / flags=\S*t/.test(line)).length;
  }
}

/** Resolves once this no longer throws. */
export function eventually(holds: () => Promise<void> | void): Promise<void> {
  return untilPasses(holds, { timeout: 20_000, interval: 10 });
}
