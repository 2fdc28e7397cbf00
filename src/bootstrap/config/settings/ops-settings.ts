import { DECISION_LOG_KINDS } from "../../../application/check/log-decisions.js";
import type { UnusedRule } from "../rules/unused-rule.js";
import { boolean, filePath, integer, oneOf, type Parser } from "./parsers.js";
import { optional, type Setting, withDefault } from "./setting.js";

const share: Parser<number> = {
  allowed: "a number above 0, up to 1",
  parse(text) {
    const value = /^\d*\.?\d+$/.test(text) ? Number(text) : NaN;
    return value > 0 && value <= 1 ? { ok: true, value } : { ok: false };
  },
};

/** What those who run the service may want to see beyond logs and metrics. */
export const OPS_SETTINGS = {
  decisionLog: withDefault("DECISION_LOG", oneOf(DECISION_LOG_KINDS), "off", {
    description:
      "which decisions of single checks are logged, as lines of JSON: off, denials, fallbacks, changes (another than the last of the same customer and feature), all",
  }),
  decisionLogFile: optional("DECISION_LOG_FILE", filePath, {
    description: "where decisions are logged; rotated, 5 files are kept",
    defaultText: "standard output",
  }),
  decisionLogSample: withDefault("DECISION_LOG_SAMPLE", share, 1, {
    description: "the share of them that is logged, above 0, up to 1",
  }),
  decisionLogMaxBytes: withDefault("DECISION_LOG_MAX_BYTES", integer({ min: 1_024, unit: "bytes" }), 100_000_000, {
    description: "at which size that file makes way for another, bytes",
  }),
  inspectorEnabled: withDefault("INSPECTOR_ENABLED", boolean, false, {
    description: "serve a page about the service and its customers on METRICS_PORT, under /inspector",
  }),
  drillsEnabled: withDefault("DRILLS_ENABLED", boolean, false, {
    description:
      "let operators with OPS_TOKEN have upstream, Redis or the update stream fail for a share of the calls: entitlement-sidecar drill",
  }),
} as const satisfies Record<string, Setting<unknown>>;

type OpsConfig = {
  readonly [K in keyof typeof OPS_SETTINGS]: (typeof OPS_SETTINGS)[K] extends Setting<infer T> ? T : never;
};

export const OPS_UNUSED_RULES: readonly UnusedRule<OpsConfig>[] = [
  {
    settings: ["decisionLogFile", "decisionLogSample", "decisionLogMaxBytes"],
    decidedBy: ["decisionLog"],
    reason: ({ decisionLog }) => (decisionLog === "off" ? "DECISION_LOG is off" : undefined),
  },
  {
    settings: ["decisionLogMaxBytes"],
    decidedBy: ["decisionLogFile"],
    reason: ({ decisionLogFile }) => (decisionLogFile === undefined ? "standard output is not rotated" : undefined),
  },
];
