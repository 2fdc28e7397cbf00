import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { DependencyState, Telemetry } from "../../ports/telemetry.js";
import { explain, json, type OpsReply, type OpsRoute } from "./ops-server.js";
import { mayAsk } from "./private-access.js";

/** What one part tells of itself. To add a part: one of these to `ServiceStatus.add`. */
export interface StatusSection {
  /** The member of the status. */
  readonly name: string;
  /** Plain values; timestamps as ISO 8601. Must not throw. */
  read(): object | Promise<object>;
  /** In what the service is less than it should be because of this part, each in one line. */
  degraded?(): readonly string[] | Promise<readonly string[]>;
  /** Whether it is reported only to this machine, or to whoever has the token. */
  readonly isPrivate?: boolean;
}

export interface ServiceStatusOptions {
  readonly program: string;
  readonly version: string;
  /** Takes secrets out of what other systems said. */
  readonly redact?: ((text: string) => string) | undefined;
}

type Status = Readonly<Record<string, unknown>>;

/** How the service is, put together from what each part tells of itself. */
export class ServiceStatus {
  readonly #options: ServiceStatusOptions;
  readonly #sections: StatusSection[] = [];
  readonly #startedAt = Date.now();
  readonly #lag = eventLoopLag();

  constructor(options: ServiceStatusOptions) {
    this.#options = options;
  }

  add(section: StatusSection): this {
    this.#sections.push(section);
    return this;
  }

  /** @param withPrivate also what not everybody is told */
  async read(withPrivate: boolean): Promise<Status> {
    const { program, version, redact = unchanged } = this.#options;
    const degraded: string[] = [];
    const parts: Record<string, unknown> = {};
    for (const section of this.#sections) {
      for (const reason of (await section.degraded?.()) ?? []) degraded.push(redact(reason));
      if (section.isPrivate !== true || withPrivate) parts[section.name] = redacted(await section.read(), redact);
    }
    return {
      program,
      version,
      node: process.versions.node,
      pid: process.pid,
      startedAt: iso(this.#startedAt),
      isDegraded: degraded.length > 0,
      degraded,
      ...parts,
      process: { memoryBytes: process.memoryUsage.rss(), eventLoopLagMs: this.#lag() },
    };
  }
}

function unchanged(text: string): string {
  return text;
}

/** The servers and files that the service depends on. */
export function dependencySection({ dependencies, openBreakers }: Readonly<Telemetry>): StatusSection {
  return {
    name: "dependencies",
    read: () =>
      Object.fromEntries(
        [...byName(dependencies)].map(([name, states]) => [name, describeDependency(states, openBreakers.get(name))]),
      ),
    degraded: () =>
      [...dependencies]
        .filter(({ isUp, isKnown }) => isKnown && !isUp)
        .map(
          ({ name, lastError, since }) =>
            `${name} is down since ${iso(since) ?? "the start"}${lastError === undefined ? "" : `: ${lastError}`}`,
        ),
  };
}

function byName(dependencies: Iterable<DependencyState>): ReadonlyMap<string, readonly DependencyState[]> {
  const states = new Map<string, DependencyState[]>();
  for (const state of dependencies) states.set(state.name, [...(states.get(state.name) ?? []), state]);
  return states;
}

/** Of several connections of one kind all have to work: the worst one is reported. */
function describeDependency(states: readonly DependencyState[], isBreakerOpen: boolean | undefined): object {
  const worst =
    states.find(({ isUp, isKnown }) => isKnown && !isUp) ?? states.find(({ isKnown }) => !isKnown) ?? states[0];
  return {
    state: worst?.isKnown !== true ? "unknown" : worst.isUp ? "up" : "down",
    since: iso(worst?.since),
    lastError: worst?.lastError,
    connections: states.length > 1 ? states.length : undefined,
    breaker: isBreakerOpen === undefined ? undefined : isBreakerOpen ? "open" : "closed",
  };
}

/** ISO 8601; undefined for what has not happened: undefined and 0. */
export function iso(timestamp: number | undefined): string | undefined {
  return timestamp === undefined || timestamp === 0 ? undefined : new Date(timestamp).toISOString();
}

function redacted(value: object, redact: (text: string) => string): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, member: unknown) => (typeof member === "string" ? redact(member) : member)),
  ) as unknown;
}

let histogram: IntervalHistogram | undefined;

/** How late timers are, over the last minute or less: what the process itself adds to every answer. */
function eventLoopLag(): () => { readonly p50: number; readonly p99: number; readonly max: number } {
  if (histogram === undefined) {
    histogram = monitorEventLoopDelay({ resolution: 20 });
    histogram.enable();
    const watched = histogram;
    setInterval(() => watched.reset(), 60_000).unref();
  }
  const watched = histogram;
  // It measures from timer to timer, of which the resolution is meant.
  const ms = (nanoseconds: number) => Math.max(0, Math.round((nanoseconds / 1e6 - 20) * 10) / 10) || 0;
  return () => ({
    p50: ms(watched.percentile(50)),
    p99: ms(watched.percentile(99)),
    max: watched.max > 0 ? ms(watched.max) : 0,
  });
}

const EXPECTATION = /^([\w.-]+)(<=|>=|!=|=|<|>)(.*)$/;

/**
 * GET /status. With `?expect=<path><operator><value>`, as often as wanted, it answers 503 where one of them does not hold:
 * `expect=isDegraded=false`, `expect=dependencies.redis.state=up`, `expect=cache.stale.stream_lost<100`.
 */
export function statusRoute(status: Pick<ServiceStatus, "read">, tokenInUse: () => string | undefined): OpsRoute {
  return async (query, request) => {
    const strange = [...query.keys()].find((name) => name !== "expect");
    // A slip in a probe must not have it hold for ever.
    if (strange !== undefined) return explain(400, `${strange} is not a parameter; there is expect`);
    return statusReply(await status.read(mayAsk(request, tokenInUse())), query.getAll("expect"));
  };
}

export function statusReply(status: Status, expectations: readonly string[]): OpsReply {
  const failed: string[] = [];
  for (const expectation of expectations) {
    const [, path = "", operator = "", expected = ""] = EXPECTATION.exec(expectation) ?? [];
    if (path === "")
      return explain(
        400,
        `expect was ${JSON.stringify(expectation)}: write a member, one of = != < <= > >=, and a value, such as isDegraded=false`,
      );
    const actual = memberAt(status, path);
    if (!holds(actual, operator, expected))
      failed.push(`${expectation}, but it is ${actual === undefined ? "not there" : JSON.stringify(actual)}`);
  }
  return failed.length === 0 ? json(200, status) : json(503, { failed, ...status });
}

function memberAt(status: Status, path: string): unknown {
  let member: unknown = status;
  for (const step of path.split(".")) {
    if (typeof member !== "object" || member === null || !Object.hasOwn(member, step)) return undefined;
    member = (member as Record<string, unknown>)[step];
  }
  return member;
}

/** What is not there is equal to nothing, and neither above nor below anything. */
function holds(actual: unknown, operator: string, expected: string): boolean {
  const text = typeof actual === "string" ? actual : JSON.stringify(actual);
  switch (operator) {
    case "=":
      return actual !== undefined && text === expected;
    case "!=":
      return actual === undefined || text !== expected;
    case "<":
      return typeof actual === "number" && actual < Number(expected);
    case "<=":
      return typeof actual === "number" && actual <= Number(expected);
    case ">":
      return typeof actual === "number" && actual > Number(expected);
    default:
      return typeof actual === "number" && actual >= Number(expected);
  }
}
