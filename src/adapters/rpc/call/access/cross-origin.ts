import type { Exchange } from "../../exchange/exchange.js";
import type { HeaderField } from "../../exchange/response-headers.js";
import { DETAIL_HEADER, IDEMPOTENCY_KEY_HEADER } from "../../protocols/fast-path-headers.js";
import type { CrossOrigin } from "../../protocols/general-path.js";
import { ANSWER_HEADERS } from "../../protocols/source-headers.js";

/** How long browsers may keep an answer, seconds: the longest that one of them does. */
const MAX_AGE = "7200";

const EXPOSED = [
  "etag",
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-encoding",
  "connect-content-encoding",
  ...ANSWER_HEADERS,
].join(", ");

/** What clients of gRPC-web and Connect send, with ours. */
const REQUEST_HEADERS: readonly string[] = [
  "content-type",
  "authorization",
  "x-grpc-web",
  "x-user-agent",
  "grpc-timeout",
  "connect-protocol-version",
  "connect-timeout-ms",
  "connect-accept-encoding",
  "connect-content-encoding",
  "grpc-accept-encoding",
  "grpc-encoding",
  "traceparent",
  "tracestate",
  DETAIL_HEADER,
  IDEMPOTENCY_KEY_HEADER,
];

const LIST_OF_NAMES = /^[\w-]{1,64}(?: *, *[\w-]{1,64}){0,63}$/;
const NO_FIELDS: readonly HeaderField[] = [];
const VARY: readonly HeaderField[] = [["vary", "origin"]];

/** Lets the pages of some origins read answers. @param origins as browsers send them, in lower case; "*": every origin */
export function crossOriginOf(origins: readonly string[]): CrossOrigin {
  const isForAll = origins.includes("*");
  const allowed = new Set(origins);
  const exposed: HeaderField = ["access-control-expose-headers", EXPOSED];

  function grantFor(origin: string | undefined): readonly HeaderField[] | undefined {
    if (isForAll) return [["access-control-allow-origin", "*"]];
    if (origin === undefined || !allowed.has(origin.toLowerCase())) return undefined;
    return [["access-control-allow-origin", origin], ...VARY];
  }

  return {
    headersFor(origin) {
      const grant = grantFor(origin);
      // What a cache keeps of this answer is not for another origin.
      if (grant === undefined) return VARY;
      return origin === undefined && isForAll ? NO_FIELDS : [...grant, exposed];
    },
    answerPreflight(exchange: Exchange): boolean {
      const origin = exchange.header("origin");
      if (
        exchange.method !== "OPTIONS" ||
        origin === undefined ||
        exchange.header("access-control-request-method") === undefined
      )
        return false;
      const grant = grantFor(origin);
      exchange.respond(
        grant === undefined ? 403 : 204,
        grant === undefined ? VARY : [...grant, ...preflightFields(exchange)],
        true,
      );
      return true;
    },
  };
}

function preflightFields(exchange: Exchange): readonly HeaderField[] {
  const requested = exchange.header("access-control-request-headers")?.toLowerCase() ?? "";
  const names = LIST_OF_NAMES.test(requested) ? requested.split(/ *, */) : [];
  return [
    ["access-control-allow-methods", "POST, GET"],
    ["access-control-allow-headers", [...new Set([...REQUEST_HEADERS, ...names])].join(", ")],
    ["access-control-max-age", MAX_AGE],
  ];
}
