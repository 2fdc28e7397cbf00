import { isIP } from "node:net";
import type { Exchange, HeaderField } from "../../exchange/exchange.js";
import { ANSWER_HEADERS } from "../../protocols/answer-headers.js";
import { DETAIL_HEADER, IDEMPOTENCY_KEY_HEADER } from "../../protocols/fast-path-headers.js";
import type { CrossOrigin } from "../../protocols/general-path.js";

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

const UNDOTTED_NAME = /^[a-z0-9_-]+$/;

/** Whether a request may name a host. */
export type IsAllowedHost = (authority: string | undefined) => boolean;

/** Only the hosts of a list, names and addresses alike. */
export function listedHosts(hosts: readonly string[]): IsAllowedHost {
  const allowed = new Set(hosts.map(hostOf));
  return (authority) => authority !== undefined && allowed.has(hostOf(authority));
}

/**
 * localhost, every IP address, and names without a dot, which only the machine's own network resolves: a page whose name its owner
 * has pointed at this machine (DNS rebinding) sends that name, which has a dot, and can send no other.
 */
export const LOCAL_HOSTS: IsAllowedHost = (authority) => {
  if (authority === undefined) return false;
  const host = hostOf(authority);
  return isIP(host) !== 0 || UNDOTTED_NAME.test(host);
};

/** The addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  const name = hostOf(host);
  return (
    name === "localhost" ||
    name === "::1" ||
    (isIP(name) === 4 && name.startsWith("127.")) ||
    name.startsWith("::ffff:127.")
  );
}

/** The host of "host:port": in lower case, without the port, brackets, and the dot that ends a full name. */
function hostOf(authority: string): string {
  const text = authority.toLowerCase();
  const bracketed = /^\[([^\]]*)\](?::\d*)?$/.exec(text)?.[1];
  if (bracketed !== undefined) return bracketed;
  // An IPv6 address without brackets has no port.
  if (isIP(text) === 6) return text;
  return text.replace(/:\d*$/, "").replace(/\.$/, "");
}
