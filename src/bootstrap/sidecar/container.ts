import type { Container, ResolutionContext } from "inversify";
import { MemoryCache } from "../../adapters/cache/memory/memory-cache.js";
import { ConfiguredFallbackProvider } from "../../adapters/fallback/configured-fallbacks.js";
import { Metrics } from "../../adapters/ops/metrics/metrics.js";
import { SIDECAR_METRICS, type SidecarSources } from "../../adapters/ops/metrics/sidecar-metrics.js";
import { OpsServer } from "../../adapters/ops/ops-server.js";
import { IdleWatch } from "../../adapters/ops/system-clock.js";
import { MultiProtocolListener } from "../../adapters/rpc/listener/multi-protocol-listener.js";
import { selfSignedCertificate } from "../../adapters/rpc/listener/self-signed-certificate.js";
import type { TlsFiles, TlsMaterial } from "../../adapters/rpc/listener/tls-material.js";
import { createRpcHandler } from "../../adapters/rpc/rpc-handler.js";
import { AssumeAnswers } from "../../application/check/assume-answers.js";
import { CheckEntitlement } from "../../application/check/check-entitlement.js";
import { ListEntitlements } from "../../application/check/list-entitlements.js";
import { FindState } from "../../application/load/find-state.js";
import { LoadState } from "../../application/load/load-state.js";
import { Readiness } from "../../application/readiness.js";
import { FollowUpdates, ReloadEntitlements } from "../../application/refresh/follow-updates.js";
import { FreshnessCensus } from "../../application/refresh/freshness-census.js";
import { RefreshInBackground } from "../../application/refresh/refresh-in-background.js";
import { countReports } from "../../application/report/count-reports.js";
import { StreamStatus, type UpdateSource, updateSourceOf } from "../../domain/freshness/freshness.js";
import type { Clock } from "../../ports/clock.js";
import { gateOf } from "../config/settings/ext-authz-settings.js";
import type { Config } from "../config/settings/settings.js";
import { packageVersion } from "../package-version.js";
import { newContainer, type Provide } from "../process/provide.js";
import { provideDrills } from "./drills.js";
import type { Foundations } from "./foundations.js";
import { provideOps } from "./provide-ops.js";
import { provideReports } from "./provide-reports.js";
import { TOKENS } from "./tokens.js";

/** How old a state may grow while no change arrive, before it is asked for again. */
const POLL_INTERVAL_MS = 30_000;
/** How much before its caller's deadline a check answers, so that the answer still arrives. */
const DEADLINE_MARGIN_MS = 20;
/** How long an answer that may not last is believed: "no such customer", or a trial that is over. */
const RECHECK_AFTER_MS = 30_000;
/** How many states are refetched at the same time, and how many of the most recently used after a gap. */
const MAX_CONCURRENT_REFRESHES = 8;
const MAX_REFRESHED_AFTER_GAP = 1_000;
/** A fetch goes on after its check has given up, so that the next check finds its result: this much longer. */
const FETCH_TIMEOUT_FACTOR = 5;

/** Composition root of the sidecar: binds every service. */
export function buildContainer(foundations: Foundations): Container {
  const { config, logger, clock, telemetry, source } = foundations;
  const { container, provide } = newContainer();

  container.bind(TOKENS.config).toConstantValue(config);
  container.bind(TOKENS.logger).toConstantValue(logger);
  container.bind(TOKENS.clock).toConstantValue(clock);
  container.bind(TOKENS.telemetry).toConstantValue(telemetry);
  container.bind(TOKENS.upstream).toConstantValue(countReports(source.upstream, telemetry));
  container.bind(TOKENS.stream).toConstantValue(source.stream);
  provide(TOKENS.readiness, () => new Readiness());
  provide(TOKENS.shutdown, () => new AbortController());
  provideStates(provide, foundations);
  provideUseCases(provide, foundations);
  provideReports(provide, foundations);
  provideDrills(provide, foundations, {
    fetchTimeoutMs: config.entitlementsTimeoutMs * FETCH_TIMEOUT_FACTOR,
    recheckAfterMs: RECHECK_AFTER_MS,
    deadlineMarginMs: DEADLINE_MARGIN_MS,
    maxConcurrentRefreshes: MAX_CONCURRENT_REFRESHES,
    pollIntervalMs: POLL_INTERVAL_MS,
  });
  provideOps(provide, foundations);
  provideServers(provide, foundations);
  return container;
}

function provideStates(provide: Provide, { config, cache }: Foundations): void {
  const fetchTimeoutMs = config.entitlementsTimeoutMs * FETCH_TIMEOUT_FACTOR;
  provide(
    TOKENS.cache,
    (made) => cache?.store ?? new MemoryCache(config.cacheMaxSizeBytes, made.get(TOKENS.telemetry)),
  );
  provide(TOKENS.fallbacks, () => new ConfiguredFallbackProvider(new Map(config.entitlementsFallback)));
  provide(TOKENS.streamStatus, (made) => {
    const stream = new StreamStatus(pollIntervalMs(config), config.maxStateAgeMs);
    cache?.hearing.follow((before) => stream.unheard(before));
    if (updatesOf(config) === "others")
      cache?.hearing.watch((hears) => stream.othersHear(hears, made.get(TOKENS.clock).now()));
    return stream;
  });
  provide(
    TOKENS.freshnessCensus,
    (made) => new FreshnessCensus(made.get(TOKENS.cache), made.get(TOKENS.streamStatus), made.get(TOKENS.clock)),
  );
  provide(
    TOKENS.loadState,
    (made) =>
      new LoadState(made.get(TOKENS.cache), made.get(TOKENS.upstream), made.get(TOKENS.clock), {
        fetchTimeoutMs,
        recheckAfterMs: RECHECK_AFTER_MS,
        singleFlight: cache?.singleFlight,
      }),
  );
  provide(
    TOKENS.refresh,
    (made) => new RefreshInBackground(made.get(TOKENS.loadState), made.get(TOKENS.logger), MAX_CONCURRENT_REFRESHES),
  );
  provide(
    TOKENS.findState,
    (made) =>
      new FindState(
        made.get(TOKENS.cache),
        made.get(TOKENS.loadState),
        made.get(TOKENS.refresh),
        made.get(TOKENS.streamStatus),
        made.get(TOKENS.telemetry),
        made.get(TOKENS.clock),
        made.get(TOKENS.logger),
        {
          budgetMs: config.entitlementsTimeoutMs,
          deadlineMarginMs: DEADLINE_MARGIN_MS,
          alsoCacheCustomer: cache !== undefined,
          lastIdleAt: lastIdleAtOf(made.get(TOKENS.clock)),
        },
      ),
  );
}

/** Milliseconds; Infinity: nothing is asked for again for its age alone. */
function pollIntervalMs(config: Config): number {
  return updatesOf(config) === "others" ? Infinity : POLL_INTERVAL_MS;
}

function updatesOf({ redisEnvironmentPrefix, wsEnabled }: Config): UpdateSource {
  return updateSourceOf(redisEnvironmentPrefix !== undefined, wsEnabled);
}

function lastIdleAtOf(clock: Clock): () => number {
  const watch = new IdleWatch(clock);
  return () => watch.lastIdleAt();
}

function provideUseCases(provide: Provide, { failurePolicies, cache }: Foundations): void {
  provide(
    TOKENS.assume,
    (made) =>
      failurePolicies &&
      new AssumeAnswers(
        failurePolicies,
        made.get(TOKENS.fallbacks),
        made.get(TOKENS.telemetry),
        made.get(TOKENS.clock),
      ),
  );
  provide(
    TOKENS.checkEntitlement,
    (made) =>
      new CheckEntitlement(made.get(TOKENS.findState), made.get(TOKENS.fallbacks), made.get(TOKENS.clock), {
        assume: made.get(TOKENS.assume),
        overlay: made.get(TOKENS.overlay),
      }),
  );
  provide(
    TOKENS.listEntitlements,
    (made) =>
      new ListEntitlements(
        made.get(TOKENS.findState),
        made.get(TOKENS.fallbacks),
        made.get(TOKENS.clock),
        made.get(TOKENS.overlay),
      ),
  );
  provide(TOKENS.reloadEntitlements, (made) => new ReloadEntitlements(made.get(TOKENS.loadState)));
  provide(
    TOKENS.followUpdates,
    (made) =>
      new FollowUpdates(
        made.get(TOKENS.cache),
        made.get(TOKENS.loadState),
        made.get(TOKENS.refresh),
        made.get(TOKENS.streamStatus),
        made.get(TOKENS.clock),
        made.get(TOKENS.logger),
        MAX_REFRESHED_AFTER_GAP,
        cache?.hearing,
      ),
  );
}

function provideServers(provide: Provide, { config, access, redact, source, outbox, tracer }: Foundations): void {
  provide(TOKENS.selfSigned, (made) =>
    config.tlsSelfSigned ? selfSignedCertificate(made.get(TOKENS.clock).now()) : undefined,
  );
  provide(TOKENS.requestHandler, (made) =>
    createRpcHandler(
      {
        check: made.get(TOKENS.checks),
        list: made.get(TOKENS.listEntitlements),
        reload: made.get(TOKENS.reloadEntitlements),
        reportUsage: made.get(TOKENS.reportUsage),
        reportEvents: made.get(TOKENS.reportEvents),
      },
      made.get(TOKENS.readiness),
      {
        clock: made.get(TOKENS.clock),
        logger: made.get(TOKENS.logger),
        shutdownSignal: made.get(TOKENS.shutdown).signal,
        maxMessageBytes: config.maxMessageBytes,
        maxItems: config.maxItemsPerRequest,
        maxJsonDepth: config.maxJsonDepth,
        maxIdBytes: config.maxIdBytes,
        hasReflection: config.reflectionEnabled,
        identity: access?.identity,
        admission: access?.admission,
        crossOrigin: access?.crossOrigin,
        isKnownFeature: source.hasFeature,
        gate: gateOf(config),
        tracer,
        redact,
      },
    ),
  );
  const listener = (made: ResolutionContext, files: TlsFiles | TlsMaterial | undefined) =>
    new MultiProtocolListener({
      ...made.get(TOKENS.requestHandler),
      tls: files,
      limits: { maxMessageBytes: config.maxMessageBytes, maxConnectionAgeMs: config.maxConnectionAgeMs },
      logger: made.get(TOKENS.logger),
      onCertificate: (expiresAt) => (made.get(TOKENS.telemetry).tlsExpiresAt = expiresAt),
    });
  provide(TOKENS.cleartextListener, (made) => listener(made, undefined));
  provide(TOKENS.tlsListener, (made) => {
    const tls = tlsFilesOf(config) ?? made.get(TOKENS.selfSigned);
    return tls === undefined ? undefined : listener(made, tls);
  });
  provide(TOKENS.metrics, (made) => {
    const connections = () =>
      made.get(TOKENS.cleartextListener).connections() + (made.get(TOKENS.tlsListener)?.connections() ?? 0);
    const parts = {
      build: { version: packageVersion() },
      telemetry: made.get(TOKENS.telemetry),
      cache: made.get(TOKENS.cache),
      calls: made.get(TOKENS.requestHandler).telemetry(connections),
      decisionLog: made.get(TOKENS.decisionLines),
      outbox: outbox?.outbox,
      unmatchedEvents: source.unmatchedEvents,
    };
    const census = made.get(TOKENS.freshnessCensus);
    return new Metrics<SidecarSources>(SIDECAR_METRICS, async () => ({ ...parts, freshness: await census.count() }));
  });
  provide(
    TOKENS.opsServer,
    (made) =>
      new OpsServer({
        livenessPath: config.healthEndpointUrl,
        readinessPath: config.readyEndpointUrl,
        readiness: made.get(TOKENS.readiness),
        metrics: made.get(TOKENS.metrics),
        routes: made.get(TOKENS.opsRoutes),
        actions: made.get(TOKENS.drillOps)?.actions,
        logger: made.get(TOKENS.logger),
      }),
  );
}

function tlsFilesOf({ tlsCertFile, tlsKeyFile, tlsClientCaFile }: Config): TlsFiles | undefined {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return undefined;
  return { certFile: tlsCertFile, keyFile: tlsKeyFile, clientCaFile: tlsClientCaFile };
}
