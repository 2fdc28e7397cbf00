import { explain, json, type OpsReply, type OpsRoute } from "./ops-server.js";
import { mayAsk } from "./private-access.js";
import type { ServiceStatus, Status } from "./service-status.js";

const EXPECTATION = /^([\w.-]+)(<=|>=|!=|=|<|>)(.*)$/;

/**
 * GET /status. With `?expect=<path><operator><value>`, as often as wanted, it answers 503 where one of them does not hold:
 * `expect=isDegraded=false`, `expect=dependencies.redis.state=up`, `expect=cache.stale.stream_lost<100`.
 */
export function statusRoute(status: Pick<ServiceStatus, "read">, tokenInUse: () => string | undefined): OpsRoute {
  return async (query, request) =>
    statusReply(await status.read(mayAsk(request, tokenInUse())), query.getAll("expect"));
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
