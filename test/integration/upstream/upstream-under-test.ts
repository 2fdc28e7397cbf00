import { createVendorUpstream } from "../../../src/adapters/upstream/create-vendor-upstream.js";
import type { VendorUpstreamLimits } from "../../../src/adapters/upstream/vendor-upstream-limits.js";
import type { UsageReport } from "../../../src/domain/usage/usage-report.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { VendorServer } from "./vendor-server.js";

export const BUDGET_MS = 1_000;

/** Real HTTP, and time that only the test moves. */
export async function upstreamUnderTest(
  options: {
    readonly withEdge?: boolean;
    readonly limits?: Partial<VendorUpstreamLimits>;
    readonly credentials?: string;
  } = {},
) {
  const edge = await new VendorServer().start();
  const api = await new VendorServer().start();
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  const upstream = createVendorUpstream(
    {
      identity: { apiKey: "server-key", source: "TEST", instanceId: "1234", startedAt: 0 },
      apiUrl: withCredentials(api.url, options.credentials),
      edgeApiUrl: (options.withEdge ?? true) ? withCredentials(edge.url, options.credentials) : undefined,
      checkBudgetMs: BUDGET_MS,
      limits: options.limits ?? {},
    },
    { clock, logger, telemetry, random: () => 0.5 },
  );
  /** Lets sockets go on and time pass, slowly enough for the sockets to keep up, until the work is done. */
  async function passTimeUntilSettled<T>(work: Promise<T>): Promise<T> {
    const pending = new Set([work]);
    const settle = () => pending.clear();
    work.then(settle, settle);
    while (pending.size > 0) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(1);
    }
    return work;
  }
  async function close(): Promise<void> {
    upstream.close();
    await Promise.all([edge.stop(), api.stop()]);
  }
  return { edge, api, clock, logger, telemetry, upstream, passTimeUntilSettled, close };
}

function withCredentials(url: string, credentials: string | undefined): string {
  return credentials === undefined ? url : url.replace("://", `://${credentials}@`);
}

export const patient = () => new AbortController().signal;

/** What either upstream answers of a customer with one boolean feature. */
export function stateAnswer(featureId = "sso") {
  return {
    json: {
      data: {
        entitlementsState: {
          entitlementsV2: [{ __typename: "FeatureEntitlement", feature: { refId: featureId, featureType: "BOOLEAN" } }],
          accessDeniedReason: null,
        },
      },
    },
  };
}

export function usageReport(parts: Partial<UsageReport> = {}): UsageReport {
  return {
    subject: { customerId: "c" },
    featureId: "seats",
    value: 1,
    updateBehavior: "DELTA",
    dimensions: new Map(),
    timestamp: undefined,
    idempotencyKey: "key-1",
    ...parts,
  };
}
