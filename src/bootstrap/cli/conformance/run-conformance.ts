import { setTimeout as delay } from "node:timers/promises";
import type { CatalogInput } from "../../../adapters/catalog/file/catalog-input.js";
import { type ConformanceCase, ContractBreach, type Session } from "./conformance-case.js";
import { conformanceCatalog } from "./conformance-catalog.js";
import type { EmulatorControl } from "./emulator-control.js";
import type { Outcome, Protocol, WireClient } from "./wire-client.js";

export interface CaseResult {
  readonly area: string;
  readonly title: string;
  readonly protocol: Protocol;
  readonly outcome: "ok" | "failed" | "skipped";
  /** Why it failed, or is skipped. */
  readonly message?: string;
  readonly ms: number;
}

export interface ConformanceRun {
  readonly cases: readonly ConformanceCase[];
  readonly clients: ReadonlyMap<Protocol, WireClient>;
  readonly control: EmulatorControl;
  /** What the customers' ids begin with, so that nothing of an earlier run is known of them. */
  readonly prefix: string;
  /** How long a change may take to arrive, milliseconds. */
  readonly patienceMs: number;
  readonly skipsConfiguredFallbacks: boolean;
}

const POLL_MS = 25;
/** Longer than a sidecar takes until it listens. Some never do: a queue brings their updates. */
const SUBSCRIBED_WITHIN_MS = 2_000;
/** As Connect has it; the status of what is not implemented differs between implementations. */
const HTTP_STATUS: Readonly<Record<string, number>> = {
  invalid_argument: 400,
  not_found: 404,
  failed_precondition: 400,
  unavailable: 503,
};

/**
 * Carries out the cases one after another, by each protocol, and gives the emulator its file back.
 *
 * @throws ControlError where the emulator does not do as it is told
 */
export async function runConformance(run: ConformanceRun): Promise<readonly CaseResult[]> {
  const { cases, clients, control, prefix } = run;
  const whoBy = (protocol: Protocol) => (name: string) => `${prefix}-${protocol}-${name}`;
  const catalogs = [...clients.keys()].map((protocol) => conformanceCatalog(whoBy(protocol)));
  const [first] = catalogs;
  if (first === undefined) return [];
  const served = { catalog: { ...first, customers: catalogs.flatMap(({ customers }) => customers) } };
  const results: CaseResult[] = [];
  await control.clear();
  try {
    await untilSubscribed(control);
    // Unheard: an event brings its state with it, and what is asked for first has to be fetched.
    await control.inject({ target: "events", kind: "drop" });
    await control.serve(served.catalog);
    await control.clear();
    for (const [protocol, client] of clients) {
      const session = sessionOf(run, client, whoBy(protocol), served);
      for (const each of cases) results.push(await carryOut(each, protocol, session, run));
    }
  } finally {
    await control.restore();
  }
  return results;
}

async function carryOut(
  { area, title, needsFallbacks, run }: ConformanceCase,
  protocol: Protocol,
  session: Session,
  { skipsConfiguredFallbacks }: ConformanceRun,
): Promise<CaseResult> {
  if (needsFallbacks === true && skipsConfiguredFallbacks)
    return { area, title, protocol, outcome: "skipped", message: "it is not configured with the fallbacks", ms: 0 };
  const began = performance.now();
  const ms = () => Math.round(performance.now() - began);
  try {
    await run(session);
    return { area, title, protocol, outcome: "ok", ms: ms() };
  } catch (error) {
    if (!(error instanceof ContractBreach)) throw error;
    return { area, title, protocol, outcome: "failed", message: error.message, ms: ms() };
  }
}

function sessionOf(
  { control, patienceMs }: ConformanceRun,
  client: WireClient,
  who: (name: string) => string,
  served: { catalog: CatalogInput },
): Session {
  let strangers = 0;
  const stranger = () => who(`stranger-${++strangers}`);
  const session: Session = {
    control,
    who,
    stranger,
    async answers(method, request, expected) {
      judge(`${method} of ${JSON.stringify(request)}`, await client.call(method, request), expected);
    },
    async eventually(method, request, expected) {
      const until = performance.now() + patienceMs;
      for (;;) {
        const outcome = await client.call(method, request);
        if ("answer" in outcome && differences(outcome.answer, expected).length === 0) return;
        if (performance.now() > until)
          judge(`${method} of ${JSON.stringify(request)}, for ${patienceMs} ms,`, outcome, expected);
        await delay(POLL_MS);
      }
    },
    async fails(method, request, code) {
      mustFail(`${method} of ${JSON.stringify(request)}`, await client.call(method, request), code);
    },
    async failsUnknownMethod() {
      mustFail("an unknown method", await client.callUnknownMethod(), "unimplemented");
    },
    async isHealthy(service) {
      judge(`Health/Check of ${JSON.stringify(service)}`, await client.health(service), { status: 1 });
    },
    async change(edit) {
      served.catalog = edit(served.catalog);
      await control.serve(served.catalog);
    },
    async whileUpstreamFails(then) {
      await control.inject({ target: "edge", kind: "status", status: 503 });
      await control.inject({ target: "api", kind: "status", status: 503 });
      try {
        await then();
      } finally {
        await control.clear();
        await session.eventually(
          "getBooleanEntitlement",
          { customerId: stranger(), featureId: "sso" },
          { isFallback: false },
        );
      }
    },
    async nextState(state) {
      const body = JSON.stringify(state);
      await control.inject({ target: "edge", kind: "malformed", operation: "entitlements-state.json", times: 1, body });
    },
  };
  return session;
}

function judge(question: string, outcome: Outcome, expected: object): void {
  if (!("answer" in outcome))
    throw new ContractBreach(`${question} must be answered, and fails: ${outcome.code}, ${outcome.message}`);
  const wrong = differences(outcome.answer, expected);
  if (wrong.length > 0) throw new ContractBreach(`${question}: ${wrong.join("; ")}`);
}

function mustFail(question: string, outcome: Outcome, code: string): void {
  if ("answer" in outcome)
    throw new ContractBreach(`${question} must fail with ${code}, and is answered ${JSON.stringify(outcome.answer)}`);
  if (outcome.code !== code)
    throw new ContractBreach(`${question} must fail with ${code}, not ${outcome.code}: ${outcome.message}`);
  const status = HTTP_STATUS[code];
  if (status !== undefined && outcome.httpStatus !== undefined && outcome.httpStatus !== status)
    throw new ContractBreach(`${question} must fail with HTTP ${status}, not ${outcome.httpStatus}`);
}

/** A sidecar that has just started may not listen yet; one that never does is found by the cases. */
async function untilSubscribed(control: EmulatorControl): Promise<void> {
  const until = performance.now() + SUBSCRIBED_WITHIN_MS;
  while (performance.now() < until) {
    const { subscriptions } = await control.stats();
    if (Object.values(subscriptions).some((count) => count > 0)) return;
    await delay(POLL_MS);
  }
}

/** One field that is not as it must be. */
export type Difference = string;

/**
 * What of an answer is not as expected; fields that are not expected may be anything.
 *
 * @param expected as `Expected` says
 */
function differences(answer: unknown, expected: unknown, path = ""): readonly Difference[] {
  if (typeof expected === "function") {
    const wrong = (expected as (value: unknown) => string | undefined)(answer);
    return wrong === undefined ? [] : [`${nameOf(path)} ${wrong}, not ${show(answer)}`];
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(answer) || answer.length !== expected.length)
      return [`${nameOf(path)} must be ${show(expected)}, not ${show(answer)}`];
    return expected.flatMap((item, index) => differences(answer[index], item, `${path}[${index}]`));
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof answer !== "object" || answer === null)
      return [`${nameOf(path)} must be set, to ${show(expected)}, not ${show(answer)}`];
    return Object.entries(expected).flatMap(([field, value]) =>
      differences((answer as Record<string, unknown>)[field], value, path === "" ? field : `${path}.${field}`),
    );
  }
  if (Object.is(answer, expected)) return [];
  if (expected === undefined) return [`${nameOf(path)} must not be set, and is ${show(answer)}`];
  return [`${nameOf(path)} must be ${show(expected)}, not ${show(answer)}`];
}

function nameOf(path: string): string {
  return path === "" ? "the answer" : path;
}

function show(value: unknown): string {
  if (value === undefined) return "absent";
  const text = JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
