import { CONSUMPTION_METRICS } from "./consumption-metrics.js";
import type { Metric } from "./metric.js";
import { SIDECAR_METRICS } from "./sidecar-metrics.js";

type Described = Pick<Metric<never>, "name" | "type" | "labels" | "help">;

/** Every metric of both programs, as the documentation lists them. */
export function metricsDocument(): string {
  return [
    section("entitlement-sidecar", "METRICS_PORT", SIDECAR_METRICS),
    section("persistent-cache-service", "PORT", CONSUMPTION_METRICS),
  ].join("\n\n");
}

function section(program: string, port: string, metrics: readonly Described[]): string {
  const rows = metrics.map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help.replaceAll("|", "\\|")} |`,
  );
  return [
    `## ${program}`,
    "",
    `\`GET /metrics\` on \`${port}\`.`,
    "",
    "| metric | type | labels | meaning |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}
