import type { DecisionLines } from "../../adapters/ops/decision-lines.js";
import type { DrillOps } from "../../adapters/ops/drill-routes.js";
import type { Metrics } from "../../adapters/ops/metrics/metrics.js";
import type { SidecarSources } from "../../adapters/ops/metrics/sidecar-metrics.js";
import type { OpsRoute, OpsServer } from "../../adapters/ops/ops-server.js";
import type { RecentChanges, RecentDenials } from "../../adapters/ops/recent-activity.js";
import type { ServiceStatus } from "../../adapters/ops/service-status.js";
import type { MultiProtocolListener } from "../../adapters/rpc/listener/multi-protocol-listener.js";
import type { SelfSigned } from "../../adapters/rpc/listener/self-signed-certificate.js";
import type { RpcHandler } from "../../adapters/rpc/rpc-handler.js";
import type { AssumeAnswers } from "../../application/check/assume-answers.js";
import type { CheckEntitlement } from "../../application/check/check-entitlement.js";
import type { ExplainDecision } from "../../application/check/explain-decision.js";
import type { ListEntitlements } from "../../application/check/list-entitlements.js";
import type { DrillChecks } from "../../application/drill/drill-checks.js";
import type { FindState } from "../../application/load/find-state.js";
import type { LoadState } from "../../application/load/load-state.js";
import type { Readiness } from "../../application/readiness.js";
import type { FollowUpdates, ReloadEntitlements } from "../../application/refresh/follow-updates.js";
import type { FreshnessCensus } from "../../application/refresh/freshness-census.js";
import type { RefreshInBackground } from "../../application/refresh/refresh-in-background.js";
import type { AcceptReports } from "../../application/report/accept-reports.js";
import type { DeliverReports } from "../../application/report/deliver-reports.js";
import type { RememberMeasurements } from "../../application/report/remember-measurements.js";
import type { EventReporting, UsageReporting } from "../../application/report/report-usage.js";
import type { SharePending } from "../../application/report/share-pending.js";
import type { UsageOverlay } from "../../application/report/usage-overlay.js";
import type { WatchOutbox } from "../../application/report/watch-outbox.js";
import type { StreamStatus } from "../../domain/freshness/freshness.js";
import type { CacheStore } from "../../ports/cache-store.js";
import type { UpdateStream } from "../../ports/change-sources.js";
import type { FallbackProvider } from "../../ports/checks.js";
import type { Clock } from "../../ports/clock.js";
import type { Logger } from "../../ports/logger.js";
import type { SharedPending } from "../../ports/shared-cache.js";
import type { Telemetry } from "../../ports/telemetry.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import type { Config } from "../config/settings/settings.js";
import { token } from "../process/provide.js";

/** What the container holds. */
export const TOKENS = {
  config: token<Config>("config"),
  logger: token<Logger>("logger"),
  clock: token<Clock>("clock"),
  telemetry: token<Telemetry>("telemetry"),
  upstream: token<UpstreamClient>("upstream"),
  stream: token<UpdateStream>("stream"),
  cache: token<CacheStore>("cache"),
  fallbacks: token<FallbackProvider>("fallbacks"),
  streamStatus: token<StreamStatus>("streamStatus"),
  freshnessCensus: token<FreshnessCensus>("freshnessCensus"),
  loadState: token<LoadState>("loadState"),
  refresh: token<RefreshInBackground>("refresh"),
  findState: token<FindState>("findState"),
  assume: token<AssumeAnswers | undefined>("assume"),
  checkEntitlement: token<CheckEntitlement>("checkEntitlement"),
  drillChecks: token<DrillChecks | undefined>("drillChecks"),
  drillOps: token<DrillOps | undefined>("drillOps"),
  /** The same, with decisions logged where that is configured. */
  checks: token<Pick<CheckEntitlement, "feature" | "credit">>("checks"),
  recentDenials: token<RecentDenials | undefined>("recentDenials"),
  recentChanges: token<RecentChanges | undefined>("recentChanges"),
  decisionLines: token<DecisionLines | undefined>("decisionLines"),
  listEntitlements: token<ListEntitlements>("listEntitlements"),
  reloadEntitlements: token<ReloadEntitlements>("reloadEntitlements"),
  overlay: token<UsageOverlay | undefined>("overlay"),
  measurements: token<RememberMeasurements>("measurements"),
  acceptReports: token<AcceptReports | undefined>("acceptReports"),
  sharedPending: token<SharedPending | undefined>("sharedPending"),
  sharePending: token<SharePending | undefined>("sharePending"),
  watchOutbox: token<WatchOutbox | undefined>("watchOutbox"),
  deliverReports: token<DeliverReports | undefined>("deliverReports"),
  reportUsage: token<UsageReporting>("reportUsage"),
  reportEvents: token<EventReporting>("reportEvents"),
  followUpdates: token<FollowUpdates>("followUpdates"),
  explainDecision: token<ExplainDecision>("explainDecision"),
  readiness: token<Readiness>("readiness"),
  /** Aborts once no call is accepted any more: ends the streams that callers keep open. */
  shutdown: token<AbortController>("shutdown"),
  requestHandler: token<RpcHandler>("requestHandler"),
  cleartextListener: token<MultiProtocolListener>("cleartextListener"),
  selfSigned: token<SelfSigned | undefined>("selfSigned"),
  tlsListener: token<MultiProtocolListener | undefined>("tlsListener"),
  metrics: token<Metrics<SidecarSources>>("metrics"),
  /** Parts add their section to it. */
  status: token<ServiceStatus>("status"),
  opsRoutes: token<ReadonlyMap<string, OpsRoute>>("opsRoutes"),
  opsServer: token<OpsServer>("opsServer"),
} as const;
