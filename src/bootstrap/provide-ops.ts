import { DecisionLines } from "../adapters/ops/decision-lines.js";
import { explainRoute } from "../adapters/ops/explain-route.js";
import type { OpsRoute } from "../adapters/ops/ops-server.js";
import { privately } from "../adapters/ops/private-access.js";
import { statusRoute } from "../adapters/ops/status-route.js";
import { ExplainDecision } from "../application/explain-decision.js";
import { LogDecisions } from "../application/log-decisions.js";
import type { Foundations } from "./foundations.js";
import type { Provide } from "./provide.js";
import { sidecarStatus } from "./sidecar-status.js";
import { TOKENS } from "./sidecar/tokens.js";

/** What the metrics port serves beside metrics and health. */
export function provideOps(provide: Provide, foundations: Foundations): void {
  const { config, source } = foundations;
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
  provide(TOKENS.checks, (made) => {
    const lines = made.get(TOKENS.decisionLines);
    const checks = made.get(TOKENS.checkEntitlement);
    return lines === undefined
      ? checks
      : new LogDecisions(checks, lines, { kind: config.decisionLog, sample: config.decisionLogSample });
  });
  provide(TOKENS.opsRoutes, (made) => {
    const guarded = (route: OpsRoute) => privately(route, config.opsToken);
    return new Map<string, OpsRoute>([
      ["/status", statusRoute(made.get(TOKENS.status), config.opsToken)],
      ["/explain", guarded(explainRoute(made.get(TOKENS.explainDecision)))],
    ]);
  });
}
