import { COMPARISON_PAGE } from "../../../adapters/ops/gen/inspector-pages.js";
import { pageRoute } from "../../../adapters/ops/inspector/inspector-routes.js";
import { json, OpsServer } from "../../../adapters/ops/ops-server.js";
import { privately } from "../../../adapters/ops/private-access.js";
import type { ComparisonReport } from "../../../domain/comparison/comparison-report.js";
import type { Logger } from "../../../ports/logger.js";

/** A report as a page under /inspector while it grows, and as JSON under /comparison: it names customers, so to this machine alone. */
export function inspectComparison(report: ComparisonReport, logger: Logger): OpsServer {
  return new OpsServer({
    livenessPath: "/livez",
    readinessPath: "/readyz",
    readiness: { isReady: true },
    routes: new Map([
      ["/inspector", pageRoute(COMPARISON_PAGE)],
      [
        "/comparison",
        privately(
          () => json(200, report.summary()),
          () => undefined,
        ),
      ],
    ]),
    logger,
  });
}
