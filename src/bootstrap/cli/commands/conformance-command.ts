import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { ALL_CASES } from "../conformance/all-cases.js";
import { FALLBACKS } from "../conformance/cases/fallback-cases.js";
import { ControlError, EmulatorControl } from "../conformance/emulator-control.js";
import { asJson, asJunit, asTable } from "../conformance/report-conformance.js";
import { runConformance } from "../conformance/run-conformance.js";
import { type Protocol, PROTOCOLS, wireClient } from "../conformance/wire-client.js";
import { CONFORMANCE_PATIENCE_MS } from "../defaults.js";
import { COMMAND_EXIT_CODES, type Output } from "../output.js";
import { parseCommandLine, UsageError } from "../parse-command-line.js";

const SYNTAX = {
  positionals: ["host:port"],
  options: {
    control: { type: "string" },
    protocols: { type: "string" },
    only: { type: "string" },
    patience: { type: "string" },
    "without-fallbacks": { type: "boolean" },
    junit: { type: "string" },
    json: { type: "string" },
    list: { type: "boolean" },
    "print-fallbacks": { type: "boolean" },
  },
} as const;

/** A call that is not answered by then is a failure, milliseconds: above every budget of a check. */
const CALL_TIMEOUT_MS = 10_000;

/** Puts the contract, case by case, to any implementation whose upstream is an emulator. */
export async function conformanceCommand(args: readonly string[], output: Output): Promise<number> {
  const asksNothing = args.includes("--list") || args.includes("--print-fallbacks");
  const { positionals, values } = parseCommandLine(args, asksNothing ? { ...SYNTAX, positionals: [] } : SYNTAX);
  if (values["print-fallbacks"] === true) {
    output.out(`ENTITLEMENTS_FALLBACK=${JSON.stringify(FALLBACKS)}`);
    return COMMAND_EXIT_CODES.valid;
  }
  const cases = ALL_CASES.filter(({ area, title }) => `${area}: ${title}`.includes(values.only ?? ""));
  if (cases.length === 0) throw new UsageError(`--only: no case has ${JSON.stringify(values.only)} in its name`);
  if (values.list === true) {
    output.out(cases.map(({ area, title }) => `${area}: ${title}`).join("\n"));
    return COMMAND_EXIT_CODES.valid;
  }
  if (values.control === undefined) throw new UsageError("missing: --control <emulator>, its host:port or a URL");
  const target = baseUrlOf("<host:port>", positionals[0] ?? "");
  const protocols = protocolsOf(values.protocols);
  const clients = new Map(protocols.map((each) => [each, wireClient(each, target, CALL_TIMEOUT_MS)]));
  try {
    const results = await runConformance({
      cases,
      clients,
      control: new EmulatorControl(baseUrlOf("--control", values.control)),
      prefix: `conformance-${randomBytes(6).toString("hex")}`,
      patienceMs: patienceOf(values.patience),
      skipsConfiguredFallbacks: values["without-fallbacks"] === true,
    });
    if (values.junit !== undefined) writeFileSync(values.junit, asJunit(results, protocols, target));
    if (values.json !== undefined) writeFileSync(values.json, asJson(results, target));
    output.out(asTable(results, protocols));
    return results.some(({ outcome }) => outcome === "failed") ? COMMAND_EXIT_CODES.invalid : COMMAND_EXIT_CODES.valid;
  } catch (error) {
    const isTold = error instanceof ControlError || (error as NodeJS.ErrnoException).syscall === "open";
    if (!isTold) throw error;
    output.err(`error: ${(error as Error).message}`);
    return COMMAND_EXIT_CODES.error;
  }
}

function baseUrlOf(what: string, address: string): string {
  const text = address.includes("://") ? address : `http://${address}`;
  if (!URL.canParse(text) || new URL(text).protocol !== "http:")
    throw new UsageError(`${what} must be host:port or a URL of http, not ${JSON.stringify(address)}`);
  return text.replace(/\/+$/, "");
}

function protocolsOf(text: string | undefined): readonly Protocol[] {
  const names = text?.split(",") ?? PROTOCOLS;
  const unknown = names.filter((name) => !(PROTOCOLS as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new UsageError(`--protocols: there are ${PROTOCOLS.join(" and ")}, not ${unknown.join(", ")}`);
  return PROTOCOLS.filter((each) => names.includes(each));
}

function patienceOf(text: string | undefined): number {
  const ms = text === undefined ? CONFORMANCE_PATIENCE_MS : Number(text);
  if (!(ms > 0 && Number.isFinite(ms))) throw new UsageError("--patience must be above 0 (milliseconds)");
  return ms;
}
