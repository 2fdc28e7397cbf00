import { type CallOptions, type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import type { Emulator } from "../../src/adapters/emulator/start-emulator.js";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { Environment } from "../../src/bootstrap/config/read-settings.js";
import type { VendorTuning } from "../../src/bootstrap/source/vendor-source.js";
import { usageReport } from "../builders/catalog-use.js";
import { inkwell } from "../builders/inkwell.js";
import {
  type EmulatedUpstream,
  emulatedUpstream,
  sidecarOn,
  type SidecarUnderTest,
} from "../builders/sidecar-on-emulator.js";
import { checkSeats, type SeatsAnswer } from "./seats-answer.js";

const CONNECTED = "the update stream is connected";

/** The same sequence of events as with the service's own times, sooner. */
export const HURRIED = {
  acknowledgeTimeoutMs: 300,
  pingIntervalMs: 50,
  settleMs: 20,
  firstDelayMs: 10,
  maxDelays: [{ untilMs: Infinity, maxDelayMs: 50 }],
  refusedDelayMs: 20,
  lostEventIntervalMs: 10,
} as const;

/** A sidecar, asked by a gRPC client, on an upstream that can be made to fail; everything over real sockets. */
export class SidecarUnderFault {
  readonly sidecar: SidecarUnderTest;
  readonly client: Client<typeof SidecarService>;
  readonly #upstream: EmulatedUpstream;

  private constructor(upstream: EmulatedUpstream, sidecar: SidecarUnderTest) {
    this.#upstream = upstream;
    this.sidecar = sidecar;
    this.client = createClient(SidecarService, createGrpcTransport({ baseUrl: sidecar.baseUrl }));
  }

  /** Resolves once updates arrive. */
  static async start(
    environment: Environment = {},
    { limits = {}, timing = {} }: VendorTuning = {},
  ): Promise<SidecarUnderFault> {
    const upstream = await emulatedUpstream(inkwell());
    const sidecar = await sidecarOn(upstream.emulator, environment, { limits, timing: { ...HURRIED, ...timing } });
    const underFault = new SidecarUnderFault(upstream, sidecar);
    await underFault.connectedTimes(1);
    return underFault;
  }

  get emulator(): Emulator {
    return this.#upstream.emulator;
  }

  get engine(): EmulatedUpstream["engine"] {
    return this.#upstream.engine;
  }

  /** Resolves once updates arrive that many times: at first, and after each gap. */
  connectedTimes(times: number): Promise<void> {
    return this.sidecar.logger.until(CONNECTED, times);
  }

  seats(customerId = "acme", options: CallOptions = {}): Promise<SeatsAnswer> {
    return checkSeats(this.client, customerId, options);
  }

  /** Checks again and again, until the answer is as wanted. */
  async seatsUntil(fits: (answer: SeatsAnswer) => boolean, customerId?: string): Promise<SeatsAnswer> {
    for (;;) {
      const answer = await this.seats(customerId);
      if (fits(answer)) return answer;
    }
  }

  /** Upstream grants another number of seats from now on. */
  grantSeats(seats: number): void {
    this.engine.replace(inkwell({ overrides: { seats } }));
  }

  /** Somebody else reports usage. */
  async useElsewhere(featureId: "seats" | "calls", value = 1): Promise<void> {
    await this.engine.reportUsage([usageReport({ customerId: "acme" }, featureId, value)]);
  }

  /** Resolves once everything that upstream has told so far has arrived: what is told last is seen. */
  async caughtUp(): Promise<void> {
    const used = async () =>
      (await this.client.getMeteredEntitlement({ customerId: "acme", featureId: "calls" })).entitlement?.currentUsage ??
      0;
    const before = await used();
    await this.useElsewhere("calls");
    while ((await used()) === before) continue;
  }

  /** How often states were asked for. */
  get fetches(): number {
    const { edge, api } = this.emulator.stats;
    return (edge.byOperation.get("entitlements-state.json") ?? 0) + (api.byOperation.get("GetEntitlementsState") ?? 0);
  }

  async stop(): Promise<void> {
    await this.sidecar.stop();
    await this.#upstream.stop();
  }
}
