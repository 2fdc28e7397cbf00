import { setTimeout as elapse } from "node:timers/promises";
import { DRILL_TARGETS, type DrillReport, MAX_DRILL_MS, MAX_DRILL_SHARE } from "../../domain/drill/drill.js";
import { askOps, OPS_OPTIONS, OpsFailure, type OpsOptions } from "./ask-ops.js";
import { COMMAND_EXIT_CODES, type Output } from "./output.js";
import { parseCommandLine, UsageError } from "./parse-command-line.js";
import { durationOf } from "./service-options.js";

const SYNTAX = {
  positionals: ["upstream|redis|stream|stop|report"],
  options: {
    ...OPS_OPTIONS,
    for: { type: "string" },
    share: { type: "string" },
    "max-wrong": { type: "string" },
    "max-assumed": { type: "string" },
    fault: { type: "string", multiple: true },
  },
} as const;

const DEFAULT_FOR = "1m";
const DEFAULT_SHARE = "1%";
const LOOK_MS = 500;

/** Begins a drill in a running service, waits for its end, and tells what callers saw. */
export async function drillCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { positionals, values } = parseCommandLine(args, SYNTAX);
  const [action = ""] = positionals;
  const ask = asker(values, environment, output);
  try {
    if (action === "stop") return tell(await ask("POST", "/drill/stop"), values.json === true, output);
    if (action === "report") return tell(await ask("GET", "/drill"), values.json === true, output);
    if (!DRILL_TARGETS.some((target) => target === action))
      throw new UsageError(`say what fails: ${DRILL_TARGETS.join(", ")}; or stop, report`);
    const query = new URLSearchParams({
      target: action,
      for: String(durationOf("--for", values.for ?? DEFAULT_FOR, { min: 1, max: MAX_DRILL_MS })),
      share: String(shareOf(values.share ?? DEFAULT_SHARE)),
    });
    for (const bound of ["max-wrong", "max-assumed"] as const)
      if (values[bound] !== undefined) query.set(bound, countOf(`--${bound}`, values[bound]));
    for (const fault of values.fault ?? []) query.append("fault", fault);
    const begun = await ask("POST", "/drill", query);
    output.err(`the drill is under way: ${action} fails for ${values.share ?? DEFAULT_SHARE} of the checks`);
    return tell(await untilEnd(begun, ask), values.json === true, output);
  } catch (error) {
    if (!(error instanceof OpsFailure)) throw error;
    output.err(`error: ${error.message}`);
    return COMMAND_EXIT_CODES.error;
  }
}

type Ask = (method: "GET" | "POST", path: string, query?: URLSearchParams) => Promise<DrillReport | undefined>;

function asker(values: OpsOptions, environment: NodeJS.ProcessEnv, output: Output): Ask {
  let isTold = false;
  // Whom it asks is worth one line, not one each time.
  const once: Output = {
    ...output,
    out: (text) => output.out(text),
    err: (text) => (isTold ? undefined : output.err(text)),
  };
  return async (method, path, query = new URLSearchParams()) => {
    const { status, body } = await askOps(path, query, values, environment, once, "report", method);
    isTold = true;
    const { error, report } = body as { readonly error?: string; readonly report?: DrillReport | null };
    if (status === 200) return report ?? undefined;
    if (status === 404)
      throw new OpsFailure("drills are off in that service: start it with DRILLS_ENABLED=true and OPS_TOKEN");
    throw new OpsFailure(error ?? `the service answers HTTP ${status}`);
  };
}

async function untilEnd(begun: DrillReport | undefined, ask: Ask): Promise<DrillReport | undefined> {
  const stopped = new AbortController();
  const stop = () => stopped.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  try {
    let report = begun;
    while (report !== undefined && report.ended === undefined) {
      await elapse(LOOK_MS);
      report = stopped.signal.aborted ? await ask("POST", "/drill/stop") : await ask("GET", "/drill");
    }
    return report;
  } finally {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

function tell(report: DrillReport | undefined, isJson: boolean, output: Output): number {
  if (isJson) output.out(JSON.stringify({ report: report ?? null }));
  else if (report === undefined) output.out("there was no drill since the service started");
  else for (const line of describe(report)) output.out(line);
  const hasPassed = report?.ended === "wrong" || report?.ended === "assumed";
  return hasPassed ? COMMAND_EXIT_CODES.invalid : COMMAND_EXIT_CODES.valid;
}

const ENDS: Readonly<Record<NonNullable<DrillReport["ended"]>, string>> = {
  time: "it went its time",
  wrong: "stopped: more answers were wrong than --max-wrong allows",
  assumed: "stopped: more answers were made up than --max-assumed allows",
  operator: "stopped by an operator",
  shutdown: "stopped: the service went down",
};

function describe(report: DrillReport): readonly string[] {
  const { plan, startedAt, endedAt, ended, calls, drilled, granted, denied, failed, waitedMs } = report;
  const seconds = endedAt === undefined ? "so far" : `${Math.round((endedAt - startedAt) / 100) / 10} s`;
  const sources = Object.entries(report.sources).map(([source, count]) => `${source} ${count}`);
  return [
    `${plan.target} failed for ${Math.round(plan.share * 10_000) / 100} % of the checks, ${seconds}: ${ended === undefined ? "under way" : ENDS[ended]}`,
    `checks: ${calls}, of them in the drill ${drilled}`,
    `callers saw: granted ${granted}, denied ${denied}, failed ${failed}`,
    `answered from: ${sources.length === 0 ? "nothing" : sources.join(", ")}`,
    `made up: ${report.assumed} (bound ${plan.maxAssumed}); wrong: ${report.wrong} (bound ${plan.maxWrong}); not compared: ${report.notCompared}`,
    `waited: p50 ${waitedMs.p50} ms, p99 ${waitedMs.p99} ms, at most ${waitedMs.max} ms`,
    ...report.examples.map(
      ({ customerId, resourceId, id, granted: isGranted, source }) =>
        `  wrong: ${customerId}${resourceId === undefined ? "" : ` (${resourceId})`} ${id} was ${isGranted ? "granted" : "denied"}, from ${source}`,
    ),
  ];
}

function shareOf(text: string): number {
  const [, number = "", percent] = /^(\d*\.?\d+)(%)?$/.exec(text.trim()) ?? [];
  const share = number === "" ? NaN : Number(number) / (percent === undefined ? 1 : 100);
  if (share > 0 && share <= MAX_DRILL_SHARE) return share;
  throw new UsageError(
    `--share must be above 0, up to ${MAX_DRILL_SHARE * 100}%, such as 1% or 0.01, not ${JSON.stringify(text)}`,
  );
}

function countOf(option: string, text: string): string {
  if (/^\d+$/.test(text)) return text;
  throw new UsageError(`${option} must be a whole number, 0 or above, not ${JSON.stringify(text)}`);
}
