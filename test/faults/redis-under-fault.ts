import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { Environment } from "../../src/bootstrap/config/read-settings.js";
import { inkwell } from "../builders/inkwell.js";
import {
  type EmulatedUpstream,
  emulatedUpstream,
  sidecarOn,
  type SidecarUnderTest,
} from "../builders/sidecar-on-emulator.js";
import { checkSeats, type SeatsAnswer } from "./seats-answer.js";

export const ENVIRONMENT = "faults";

/** What is said of a customer of whom nothing can be known: never a denial. */
export const FALLBACK = { source: "fallback", isFallback: true, hasAccess: true, limit: 5 };

/** A check's budget; its caller waits longer, so that a busy machine is not taken for a check that is late. */
const BUDGET_MS = 1_000;
const DEADLINE_MS = 3_000;
const CUSTOMERS = 1_000;

/** The inkwell, and many customers like one another: each has taken as many seats as its number's last digit. */
function catalog(): CatalogInput {
  const others = Array.from({ length: CUSTOMERS }, (_, index) => ({
    id: `customer ${index}`,
    plan: "pro",
    usage: { seats: index % 10 },
  }));
  return { ...inkwell(), customers: [...inkwell().customers, ...others] };
}

/** One sidecar that keeps its states in Redis, and its client. */
export class SidecarOnRedis {
  readonly sidecar: SidecarUnderTest;
  readonly #client: Client<typeof SidecarService>;

  constructor(sidecar: SidecarUnderTest) {
    this.sidecar = sidecar;
    this.#client = createClient(SidecarService, createGrpcTransport({ baseUrl: sidecar.baseUrl }));
  }

  /** @throws ConnectError `deadline_exceeded` where the answer comes too late */
  seats(customerId = "acme"): Promise<SeatsAnswer> {
    return checkSeats(this.#client, customerId, { timeoutMs: DEADLINE_MS });
  }

  /** Checks again and again, until the answer comes from there. */
  async seatsFrom(source: string, customerId = "acme"): Promise<SeatsAnswer> {
    for (;;) {
      const answer = await this.seats(customerId);
      if (answer.source === source) return answer;
    }
  }

  /** Resolves once Redis answers, and tells of writes, so many times: at first, and after each loss of its connections. */
  async connectedTimes(times: number): Promise<void> {
    const { logger } = this.sidecar;
    await Promise.all([logger.until("connected to Redis", times), logger.until("Redis tells of writes", times)]);
  }

  stop(): Promise<void> {
    return this.sidecar.stop();
  }
}

/** Sidecars on one emulated upstream. */
export class RedisWorld {
  readonly #upstream: EmulatedUpstream;
  readonly #sidecars = new Set<SidecarOnRedis>();
  #coldCustomers = 0;

  private constructor(upstream: EmulatedUpstream) {
    this.#upstream = upstream;
  }

  static async open(): Promise<RedisWorld> {
    return new RedisWorld(await emulatedUpstream(catalog()));
  }

  get emulator(): EmulatedUpstream["emulator"] {
    return this.#upstream.emulator;
  }

  /** @param redis where Redis is, as the environment tells it */
  async sidecar(redis: Environment): Promise<SidecarOnRedis> {
    const sidecar = await sidecarOn(
      this.emulator,
      {
        REDIS_ENVIRONMENT_PREFIX: ENVIRONMENT,
        ENTITLEMENTS_TIMEOUT_MS: String(BUDGET_MS),
        ENTITLEMENTS_FALLBACK: JSON.stringify({ seats: { hasAccess: true, usageLimit: 5 } }),
        ...redis,
      },
      { limits: { probeDelayMs: 10 } },
    );
    const started = new SidecarOnRedis(sidecar);
    this.#sidecars.add(started);
    return started;
  }

  /** A customer that nobody has asked for yet, and what is true of it. */
  coldCustomer(): { readonly customerId: string; readonly truth: Partial<SeatsAnswer> } {
    const index = this.#coldCustomers++;
    return {
      customerId: `customer ${index}`,
      truth: { isFallback: false, hasAccess: true, limit: 10, usage: index % 10 },
    };
  }

  /** Upstream answers nobody any more. */
  hangUpstream(): () => void {
    const { faults } = this.emulator;
    const ends = (["edge", "api"] as const).map((target) => faults.inject({ target, kind: "hang" }));
    return () => ends.forEach((end) => end());
  }

  /** How often upstream was asked for a customer. */
  fetchesOf(customerId: string): number {
    const path = `/v1/c/${encodeURIComponent(customerId)}/entitlements`;
    return this.emulator.stats.requests.filter((request) => request.path.startsWith(path)).length;
  }

  async stop(): Promise<void> {
    for (const sidecar of this.#sidecars) await sidecar.stop();
    await this.#upstream.stop();
  }
}

export function environmentOf({ host, port }: { readonly host: string; readonly port: number }): Environment {
  return { REDIS_HOST: host, REDIS_PORT: String(port) };
}
