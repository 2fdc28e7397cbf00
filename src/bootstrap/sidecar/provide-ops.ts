import { DecisionLines } from "../../adapters/ops/decision-lines.js";
import { explainRoute } from "../../adapters/ops/explain-route.js";
import { inspectorRoutes } from "../../adapters/ops/inspector/inspector-routes.js";
import type { OpsRoute } from "../../adapters/ops/ops-server.js";
import { privately } from "../../adapters/ops/private-access.js";
import { RecentChanges, RecentDenials } from "../../adapters/ops/recent-activity.js";
import { statusRoute } from "../../adapters/ops/service-status.js";
import { ExplainDecision } from "../../application/check/explain-decision.js";
import { InspectCustomer } from "../../application/check/inspect-customer.js";
import { LogDecisions } from "../../application/check/log-decisions.js";
import type { Provide } from "../process/provide.js";
import type { Foundations } from "./foundations.js";
import { sidecarStatus } from "./sidecar-status.js";
import { TOKENS } from "./tokens.js";

/** What the metrics port serves beside metrics and health. */
export function provideOps(provide: Provide, foundations: Foundations): void {
  const { config, source, opsToken = () => config.opsToken } = foundations;
  provide(TOKENS.status, (made) => sidecarStatus(made, foundations));
  provide(
    TOKENS.explainDecision,
    (made) =>
      new ExplainDecision({
        cache: made.get(TOKENS.cache),
        states: made.get(TOKENS.findState),
        stream: made.get(TOKENS.streamStatus),
        fallbacks: made.get(TOKENS.fallbacks),
        clock: made.get(TOKENS.clock),
        directory: source.directory,
        assume: made.get(TOKENS.assume),
        overlay: made.get(TOKENS.overlay),
      }),
  );
  provide(TOKENS.decisionLines, (made) =>
    config.decisionLog === "off"
      ? undefined
      : new DecisionLines(
          { file: config.decisionLogFile, maxBytes: config.decisionLogMaxBytes, output: process.stdout },
          made.get(TOKENS.clock),
          made.get(TOKENS.logger),
        ),
  );
  provide(TOKENS.recentDenials, (made) =>
    config.inspectorEnabled ? new RecentDenials(made.get(TOKENS.clock)) : undefined,
  );
  provide(TOKENS.recentChanges, (made) =>
    config.inspectorEnabled ? new RecentChanges(made.get(TOKENS.clock)) : undefined,
  );
  provide(TOKENS.checks, (made) => {
    const lines = made.get(TOKENS.decisionLines);
    const denials = made.get(TOKENS.recentDenials);
    const plain = made.get(TOKENS.drillChecks) ?? made.get(TOKENS.checkEntitlement);
    const checks = denials === undefined ? plain : new LogDecisions(plain, denials, { kind: "denials", sample: 1 });
    return lines === undefined
      ? checks
      : new LogDecisions(checks, lines, { kind: config.decisionLog, sample: config.decisionLogSample });
  });
  provide(TOKENS.opsRoutes, (made) => {
    const guarded = (route: OpsRoute) => privately(route, opsToken);
    const denials = made.get(TOKENS.recentDenials);
    const changes = made.get(TOKENS.recentChanges);
    const inspect = new InspectCustomer(made.get(TOKENS.listEntitlements), made.get(TOKENS.cache), source.directory);
    const inspector =
      denials === undefined || changes === undefined
        ? []
        : [...inspectorRoutes(inspect, denials, changes)].map(
            ([path, route]) => [path, path === "/inspector" ? route : guarded(route)] as const,
          );
    return new Map<string, OpsRoute>([
      ...inspector,
      ...(made.get(TOKENS.drillOps)?.routes ?? []),
      ["/status", statusRoute(made.get(TOKENS.status), opsToken)],
      ["/explain", guarded(explainRoute(made.get(TOKENS.explainDecision)))],
    ]);
  });
}
