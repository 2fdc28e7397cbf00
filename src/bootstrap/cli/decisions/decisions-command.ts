import { createReadStream } from "node:fs";
import { access } from "node:fs/promises";
import { createInterface } from "node:readline";
import { KEPT_FILES } from "../../../adapters/ops/decision-lines.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";
import { type DecisionLine, lineIn } from "./decision-line.js";

export const DECISIONS_SYNTAX = {
  positionals: [],
  options: {
    file: { type: "string" },
    id: { type: "string" },
    customer: { type: "string" },
    feature: { type: "string" },
    reason: { type: "string" },
    denied: { type: "boolean" },
    fallback: { type: "boolean" },
    since: { type: "string" },
    until: { type: "string" },
    json: { type: "boolean" },
  },
} as const;

const UNITS_MS: Readonly<Partial<Record<string, number>>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Filters the decision log, the oldest first. Exit code 0: some are found, 1: none, 2: error. */
export async function decisionsCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { values } = parseCommandLine(args, DECISIONS_SYNTAX);
  const file = values.file ?? environment["DECISION_LOG_FILE"];
  if (file === undefined || file === "")
    throw new UsageError("missing: --file <file>, the decision log (else DECISION_LOG_FILE); - reads standard input");
  const since = timestampOf("--since", values.since) ?? -Infinity;
  const until = timestampOf("--until", values.until) ?? Infinity;
  if (since > until) throw new UsageError("--since is after --until: no decision is between them; exchange the two");
  const isWanted = (line: DecisionLine) =>
    (values.id === undefined || line.decision === values.id) &&
    (values.customer === undefined || line.customer === values.customer) &&
    (values.feature === undefined || (line.feature ?? line.currency) === values.feature) &&
    (values.reason === undefined || line.reason?.toLowerCase() === values.reason.toLowerCase()) &&
    (values.denied !== true || !line.granted) &&
    (values.fallback !== true || line.fallback) &&
    Date.parse(line.timestamp) >= since &&
    Date.parse(line.timestamp) <= until;
  let found = 0;
  let looked = 0;
  for (const { name, open } of await inputsOf(file)) {
    for await (const text of linesOf(name, open())) {
      const line = lineIn(text);
      if (line === undefined) continue;
      looked++;
      if (!isWanted(line)) continue;
      found++;
      output.out(values.json === true ? text : describe(line));
    }
  }
  if (found > 0) return 0;
  const name = file === "-" ? "standard input" : file;
  output.err(
    looked === 0
      ? `${name} has no decisions: is it the DECISION_LOG_FILE of the service, and DECISION_LOG not off?`
      : `none of the ${looked} ${looked === 1 ? "decision" : "decisions"} in ${name} is what was asked for`,
  );
  return COMMAND_EXIT_CODES.denied;
}

interface Input {
  readonly name: string;
  readonly open: () => NodeJS.ReadableStream;
}

/** @throws UsageError where it cannot be read: that it is there does not say that it may be */
async function* linesOf(name: string, input: NodeJS.ReadableStream): AsyncGenerator<string> {
  try {
    yield* createInterface({ input, crlfDelay: Infinity });
  } catch (error) {
    throw new UsageError(
      `the decision log ${name} cannot be read: ${(error as Error).message}; correct the path or its permissions`,
    );
  }
}

/** The files that made way come first: they are older. */
async function inputsOf(file: string): Promise<readonly Input[]> {
  if (file === "-") return [{ name: file, open: () => process.stdin }];
  const there: string[] = [];
  for (let number = KEPT_FILES; number >= 0; number--) {
    const each = number === 0 ? file : `${file}.${number}`;
    if (
      await access(each).then(
        () => true,
        () => false,
      )
    )
      there.push(each);
  }
  if (there.length === 0)
    throw new UsageError(
      `the decision log ${file} cannot be read: correct the path or its permissions, or set DECISION_LOG and DECISION_LOG_FILE for the service`,
    );
  // Each is opened in its turn: one that fails before anybody reads it fails where nobody listens.
  return there.map((name) => ({ name, open: () => createReadStream(name) }));
}

function describe({
  timestamp,
  decision,
  customer,
  resource,
  feature,
  currency,
  requested,
  granted,
  reason,
  fallback,
  source,
  ageMs,
  used,
  limit,
}: DecisionLine): string {
  const facts = [
    reason,
    used === undefined ? undefined : `${used} of ${limit ?? 0} used`,
    requested === undefined ? undefined : `${JSON.stringify(requested)} requested`,
    fallback ? "a fallback" : undefined,
    `from ${source}${ageMs === undefined ? "" : `, ${(ageMs / 1_000).toFixed(1)} s old`}`,
  ].filter((fact) => fact !== undefined);
  return `${timestamp} ${granted ? "granted" : "denied "} ${customer}${resource === undefined ? "" : ` ${resource}`} ${feature ?? currency ?? ""} (${facts.join(", ")}) ${decision}`;
}

/** A time, or how long ago: 90m. */
function timestampOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit = ""] = /^(\d+)([smhd])$/.exec(text) ?? [];
  const value = amount === undefined ? Date.parse(text) : Date.now() - Number(amount) * (UNITS_MS[unit] ?? NaN);
  if (Number.isNaN(value))
    throw new UsageError(
      `${option} must be a time such as 2026-01-31T12:00:00Z, or how long ago, such as 90m, not ${JSON.stringify(text)}`,
    );
  return value;
}
