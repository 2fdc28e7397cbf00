import { COMPARISON_PAGE } from "../../../adapters/ops/gen/inspector-pages.js";
import { pageRoute } from "../../../adapters/ops/inspector/inspector-routes.js";
import { json, OpsServer } from "../../../adapters/ops/ops-server.js";
import { privately } from "../../../adapters/ops/private-access.js";
import type { FieldValue } from "../../../domain/comparison/compare-answers.js";
import type { ComparisonReport } from "../../../domain/comparison/comparison-report.js";
import type { Logger } from "../../../ports/logger.js";
import type { Output } from "../output.js";

/** A report for people: how many, then each class with what it was found in. */
export function printReport(report: ComparisonReport, isJson: boolean, output: Output): void {
  if (isJson) {
    output.out(JSON.stringify(report.summary()));
    return;
  }
  for (const [is, { answers, examples }] of report.classes()) {
    output.out(`${is}: ${answers}`);
    for (const { method, request, item, field, incumbent, candidate } of examples) {
      const where = [item, field].filter((part) => part !== "").join(" ");
      output.out(
        `  ${method} ${request}${where === "" ? "" : `: ${where}`} ${textOf(incumbent)} -> ${textOf(candidate)}`,
      );
    }
    if (answers > examples.length) output.out(`  and ${answers - examples.length} more`);
  }
  output.out(describeCounts(report));
}

/** In one line. */
export function describeCounts({ compared, same, passing, different, skipped }: ComparisonReport): string {
  const left = skipped === 0 ? "" : `, ${skipped} not compared`;
  return `${compared} answers compared: ${same} the same, ${passing} for a while not, ${different} different${left}`;
}

function textOf(value: FieldValue | undefined): string {
  return value === undefined ? "-" : JSON.stringify(value);
}

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
