import { PolicyFile } from "../../adapters/fallback/policy/policy-file.js";
import { SilentUpdateStream } from "../../adapters/stream/silent-update-stream.js";
import { OfflineUpstreamClient } from "../../adapters/upstream/offline-upstream-client.js";
import { CodedError } from "../../domain/errors.js";
import type { FailurePolicies } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { Telemetry } from "../../ports/telemetry.js";
import type { Tracer } from "../../ports/tracer.js";
import type { CacheLayer } from "../cache/cache-layer.js";
import type { SettingInForce } from "../config/read-settings.js";
import type { Config } from "../config/settings/settings.js";
import { StartError } from "../process/start-error.js";
import { ANY_CHECK, type Services, type Source } from "../source/source.js";
import type { Access } from "./access.js";
import type { OpenedOutbox } from "./outbox.js";

/** What has to be there before anything else can be made. */
export interface Foundations {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly source: Source;
  /** Where states are kept; not given: in this process alone. */
  readonly cache?: CacheLayer | undefined;
  /** Who may ask; not given: anybody. */
  readonly access?: Access | undefined;
  /** What checks answer when nothing fresh can be had; not given: what is known, however old, and then the fallback. */
  readonly failurePolicies?: (FailurePolicies & { close(): Promise<void> }) | undefined;
  /** The configuration as whoever runs the service may see it. */
  readonly inForce?: readonly SettingInForce[] | undefined;
  /** Where reports are accepted; not given: each waits for upstream. */
  readonly outbox?: OpenedOutbox | undefined;
  /** OPS_TOKEN as it is by now; not given: as it was configured. */
  readonly opsToken?: (() => string | undefined) | undefined;
  /** Where calls are traced; not given: nowhere. */
  readonly tracer?: Tracer | undefined;
  /** Takes secrets out of what other systems said, before callers are answered with it. */
  readonly redact?: ((text: string) => string) | undefined;
}

/**
 * Opens the configured source. Each is imported only where it is the one, so that a process loads no library
 * that it does not use: a third of its start, and of its memory when idle.
 *
 * @throws StartError when the catalog cannot be served: with every fault, its line and remedy
 */
export async function openSource(config: Config, services: Services): Promise<Source> {
  const { catalogFile, serverApiKey, offline } = config;
  if (offline) return offlineSource(config);
  if (catalogFile !== undefined) {
    const { openCatalogFile } = await import("../source/catalog-source.js");
    return openCatalogFile(catalogFile, config, services);
  }
  if (serverApiKey !== undefined) {
    const { vendorSource } = await import("../source/vendor-source.js");
    return vendorSource(config, serverApiKey, services);
  }
  throw new StartError("no source of entitlements is configured");
}

function offlineSource({ entitlementsFallback }: Config): Source {
  const [featureId] = entitlementsFallback[0] ?? [ANY_CHECK.featureId];
  return {
    upstream: new OfflineUpstreamClient(),
    stream: new SilentUpdateStream(),
    description: `offline (fallbacks configured: ${entitlementsFallback.length})`,
    example: { ...ANY_CHECK, featureId },
    start: () => undefined,
    close: () => Promise.resolve(),
  };
}

/**
 * Opens what is configured to keep states outside of this process; undefined where that is nothing. Imported only
 * where it is used, so that a process in memory mode loads no Redis client.
 *
 * @throws StartError when a file that the connection needs cannot be read
 */
export async function openCache(config: Config, services: Services): Promise<CacheLayer | undefined> {
  if (config.offline || config.redisEnvironmentPrefix === undefined) return undefined;
  const { redisCacheLayer } = await import("../cache/redis-cache-layer.js");
  return redisCacheLayer(config, config.redisEnvironmentPrefix, services);
}

/**
 * The failure policies that are configured.
 *
 * @throws StartError where their file cannot be read or has a fault, with its place and remedy
 */
export async function openFailurePolicies(
  { failurePolicyFile }: Config,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<PolicyFile | undefined> {
  if (failurePolicyFile === undefined) return undefined;
  try {
    return await PolicyFile.open(failurePolicyFile, clock, logger);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new StartError(`FAILURE_POLICY_FILE: ${error.message}`, { cause: error });
  }
}
