import type { Explanation } from "../../application/check/explain-decision.js";
import type { RuleOutcome } from "../../domain/decision/decision.js";
import { askOps, OPS_OPTIONS, OpsFailure } from "./ask-ops.js";
import { COMMAND_EXIT_CODES, type Output } from "./output.js";
import { parseCommandLine } from "./parse-command-line.js";

export const EXPLAIN_SYNTAX = {
  positionals: ["customer", "feature"],
  options: {
    ...OPS_OPTIONS,
    "requested-usage": { type: "string" },
    "requested-values": { type: "string" },
    resource: { type: "string" },
    at: { type: "string" },
    "cached-only": { type: "boolean" },
    credits: { type: "boolean" },
  },
} as const;

/** Has a running service explain one decision; the exit code is that of a check. */
export async function explainCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { positionals, values } = parseCommandLine(args, EXPLAIN_SYNTAX);
  const [customer = "", id = ""] = positionals;
  const query = new URLSearchParams({ customer, [values.credits === true ? "currency" : "feature"]: id });
  const parameters = {
    requestedUsage: values["requested-usage"],
    requestedValues: values["requested-values"],
    resource: values.resource,
    at: values.at,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value);
  if (values["cached-only"] === true) query.set("cachedOnly", "1");
  try {
    const { status, body } = await askOps("/explain", query, values, environment, output, "answer");
    if (status !== 200) {
      output.err(`error: ${typeof body["error"] === "string" ? body["error"] : `HTTP ${status}`}`);
      return COMMAND_EXIT_CODES.error;
    }
    const explanation = body as unknown as Explanation;
    output.out(values.json === true ? JSON.stringify(explanation) : describeExplanation(customer, id, explanation));
    return explanation.answer.hasAccess ? COMMAND_EXIT_CODES.granted : COMMAND_EXIT_CODES.denied;
  } catch (error) {
    if (!(error instanceof OpsFailure)) throw error;
    output.err(`error: ${error.message}`);
    return COMMAND_EXIT_CODES.error;
  }
}

/** For people: the verdict, then each rule with what it saw, then how far it can be trusted. */
function describeExplanation(
  customer: string,
  id: string,
  { answer, rules, freshness, period, origin, withoutUpstream, nearest }: Explanation,
): string {
  const lines = [`${verdictOf(answer)}: ${customer} ${id}`, ...rules.map(describeRule)];
  lines.push(`  state     ${describeFreshness(freshness)}`);
  if (period !== undefined)
    lines.push(`  period    ${isoOf(period.start)} to ${isoOf(period.end)}, when usage begins at 0 again`);
  if (origin !== undefined) {
    lines.push(
      `  from      ${origin.from ?? "neither plan nor override"}${origin.plan === undefined ? ", no subscription" : `, plan ${origin.plan}`}${origin.subscriptionEndsAt === undefined ? "" : `, subscribed until ${isoOf(origin.subscriptionEndsAt)}`}`,
    );
    for (const grant of origin.grants) {
      lines.push(
        `  credits   ${grant.id}: ${grant.drawn} of ${grant.amount} drawn${grant.expiresAt === undefined ? "" : `, until ${isoOf(grant.expiresAt)}`}${grant.paysNext ? ", pays next" : ""}`,
      );
    }
  }
  lines.push(`  without   upstream: ${verdictOf(withoutUpstream)}`);
  for (const [what, ids] of [
    ["customer", nearest.customers],
    ["resource", nearest.resources],
    ["id", nearest.ids],
  ] as const) {
    if (ids.length > 0) lines.push(`  no such   ${what}: did you mean ${ids.join(", ")}?`);
  }
  return lines.join("\n");
}

function verdictOf({ hasAccess, reason, isFallback, source }: Explanation["answer"]): string {
  const why = reason === undefined ? "" : ` (${reason})`;
  return `${hasAccess ? "granted" : "denied"}${why}, from ${source}${isFallback ? ", a fallback" : ""}`;
}

function describeRule({ rule, holds, saw }: RuleOutcome): string {
  const values = Object.entries(saw)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) =>
      value === true ? name : `${name} ${Array.isArray(value) ? value.join(" ") : String(value)}`,
    );
  return `  ${holds ? "yes" : "NO "}       ${rule}${values.length === 0 ? "" : `: ${values.join(", ")}`}`;
}

function describeFreshness({ is, reason, ageMs, recheckAt }: Explanation["freshness"]): string {
  if (is === "unknown") return "not cached";
  const age = ageMs === undefined ? "" : `, verified ${(ageMs / 1_000).toFixed(1)} s ago`;
  return `${is}${reason === undefined ? "" : ` (${reason})`}${age}${recheckAt === undefined ? "" : `, asked for again at ${isoOf(recheckAt)}`}`;
}

function isoOf(timestamp: number): string {
  return new Date(timestamp).toISOString();
}
