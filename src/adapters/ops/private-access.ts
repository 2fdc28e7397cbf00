import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";
import { explain, type OpsRoute } from "./ops-server.js";

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** What a proxy adds: its caller may be anybody, although it is on this machine itself. */
const PROXY_HEADERS = ["forwarded", "x-forwarded-for", "x-real-ip", "via"] as const;

/**
 * A route that tells of customers: served to this machine, and to whoever has the token.
 *
 * @param tokenInUse another at times; undefined: to this machine alone
 */
export function privately(route: OpsRoute, tokenInUse: () => string | undefined): OpsRoute {
  return (query, request) => {
    const token = tokenInUse();
    if (mayAsk(request, token)) return route(query, request);
    const remedy = token === undefined ? "ask from this machine, or set OPS_TOKEN and send it" : "send OPS_TOKEN";
    return {
      ...explain(401, `This tells of customers: ${remedy} as "authorization: Bearer <token>".`),
      headers: { "www-authenticate": "Bearer" },
    };
  };
}

/** A route for operators alone: also this machine has to send the token, and without one nobody may. */
export function forOperators(route: OpsRoute, tokenInUse: () => string | undefined): OpsRoute {
  return (query, request) => {
    const token = tokenInUse();
    const given = tokenOf(request);
    if (token !== undefined && given !== undefined && isSame(given, token)) return route(query, request);
    const remedy = token === undefined ? "set OPS_TOKEN and send it" : "send OPS_TOKEN";
    return {
      ...explain(401, `This is for operators: ${remedy} as "authorization: Bearer <token>".`),
      headers: { "www-authenticate": "Bearer" },
    };
  };
}

export function mayAsk(request: IncomingMessage, token: string | undefined): boolean {
  const given = tokenOf(request);
  if (token !== undefined && given !== undefined) return isSame(given, token);
  return isOfThisMachine(request);
}

function tokenOf({ headers }: IncomingMessage): string | undefined {
  return /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1];
}

function isOfThisMachine({ socket, headers }: IncomingMessage): boolean {
  if (PROXY_HEADERS.some((header) => headers[header] !== undefined)) return false;
  const address = socket.remoteAddress?.replace(/^::ffff:(?=\d+\.)/, "") ?? "";
  const family = isIP(address);
  if (family === 0 || !LOOPBACK.check(address, family === 4 ? "ipv4" : "ipv6")) return false;
  // A page of the web whose name was made to mean this machine must not read it through its visitor's browser.
  const host = (headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || isIP(host) !== 0;
}

/** In a time that does not tell how much of it is right. */
function isSame(given: string, token: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
