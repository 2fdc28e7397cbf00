import { randomUUID } from "node:crypto";
import { describeProxy, unusableProxies } from "../../adapters/outbound/proxy.js";
import type { StreamTiming } from "../../adapters/stream/reconnect-schedule.js";
import { SilentUpdateStream } from "../../adapters/stream/silent-update-stream.js";
import { createWebSocketUpdateStream } from "../../adapters/stream/websocket-update-stream.js";
import { createVendorUpstream } from "../../adapters/upstream/create-vendor-upstream.js";
import type { VendorUpstreamLimits } from "../../adapters/upstream/vendor-upstream-limits.js";
import { updateSourceOf } from "../../domain/freshness/freshness.js";
import type { Config } from "../config/settings/settings.js";
import { ANY_CHECK, type Services, type Source } from "./source.js";

/** How this client names itself to upstream. */
const CLIENT_KIND = "SIDECAR";

/** Where other times and bounds than the service's own are wanted. */
export interface VendorTuning {
  readonly limits?: Partial<VendorUpstreamLimits>;
  readonly timing?: Partial<StreamTiming>;
}

/** The vendor's Edge and API, and its update stream where that is wanted. */
export function vendorSource(
  config: Config,
  serverApiKey: string,
  services: Services,
  { limits = {}, timing = {} }: VendorTuning = {},
): Source {
  const { apiUrl, edgeEnabled, edgeApiUrl, wsUrl, entitlementsTimeoutMs } = config;
  const hasStream = updateSourceOf(config.redisEnvironmentPrefix !== undefined, config.wsEnabled) === "own-stream";
  const identity = {
    apiKey: serverApiKey,
    source: CLIENT_KIND,
    instanceId: randomUUID(),
    startedAt: services.clock.now(),
  };
  const reached = {
    identity,
    apiUrl,
    edgeApiUrl: edgeEnabled ? edgeApiUrl : undefined,
    checkBudgetMs: entitlementsTimeoutMs,
    limits,
  };
  const asked = [...(edgeEnabled ? [edgeApiUrl] : []), apiUrl, ...(hasStream ? [wsUrl] : [])];
  for (const warning of unusableProxies(asked)) services.logger.warn(warning);
  const upstream = createVendorUpstream(reached, services);
  const [api, edge] = [`API at ${apiUrl}${describeProxy(apiUrl)}`, `Edge at ${edgeApiUrl}${describeProxy(edgeApiUrl)}`];
  const reads = edgeEnabled ? `${edge}, ${api}` : api;
  return {
    upstream,
    stream: hasStream ? createWebSocketUpdateStream({ identity, wsUrl, timing }, services) : new SilentUpdateStream(),
    description: `${reads}, ${hasStream ? `updates from ${wsUrl}${describeProxy(wsUrl)}` : whyNoUpdates(config)}`,
    example: ANY_CHECK,
    get apiKey() {
      return identity.apiKey;
    },
    replaceApiKey(key) {
      identity.apiKey = key;
      services.telemetry.apiKeyState = "unknown";
    },
    apart(parts, strike) {
      const client = createVendorUpstream({ ...reached, strike }, parts);
      return { client, close: () => client.close() };
    },
    reached: upstream.reached,
    start: () => upstream.start(),
    close: () => {
      upstream.close();
      return Promise.resolve();
    },
  };
}

function whyNoUpdates({ wsEnabled }: Config): string {
  return wsEnabled === undefined ? "updates by way of Redis" : "no updates (WS_ENABLED is false)";
}
