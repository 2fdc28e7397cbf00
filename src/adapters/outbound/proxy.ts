import { EventEmitter } from "node:events";
import type { Agent, ClientRequest } from "node:http";
import type { Socket } from "node:net";
import { HttpsProxyAgent } from "https-proxy-agent";
import { getProxyForUrl } from "proxy-from-env";

/** The proxies of which connections can be had by CONNECT. */
const PROTOCOL = /^https?:$/;

/**
 * By which proxy a server is asked, as HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY of the environment say; undefined: by none.
 *
 * @param url http, https, ws or wss: the variables do not tell the last two from the first
 */
export function proxyFor(url: string): URL | undefined {
  return usable(namedFor(url));
}

/**
 * The proxies that the environment names for these servers and that cannot be used, each as one line that says so.
 *
 * @param urls as of `proxyFor`
 */
export function unusableProxies(urls: readonly string[]): readonly string[] {
  const named = new Set(urls.map(namedFor).filter((proxy) => !/^(?:\w+:\/\/\s+)?$/.test(proxy)));
  return [...named]
    .filter((proxy) => usable(proxy) === undefined)
    .map(
      (proxy) =>
        `the proxy ${proxy.replace(/\/\/.*@/, "//***@")} of HTTPS_PROXY, HTTP_PROXY or ALL_PROXY cannot be used, and upstream is asked without it: write http://host:port or https://host:port, a user and password with percent-encoding`,
    );
}

/** "" for none. */
function namedFor(url: string): string {
  return getProxyForUrl(url.replace(/^ws/, "http"));
}

function usable(proxy: string): URL | undefined {
  if (!URL.canParse(proxy)) return undefined;
  const url = new URL(proxy);
  const canBeAsked = decoded(url.username) !== undefined && decoded(url.password) !== undefined;
  return PROTOCOL.test(url.protocol) && canBeAsked ? url : undefined;
}

/** Undefined: a percent sign in it stands for itself. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Connections to a server by its proxy; undefined: it is reached directly. */
export function proxyAgentFor(url: string): Agent | undefined {
  const proxy = proxyFor(url);
  return proxy === undefined ? undefined : new HttpsProxyAgent(proxy);
}

/**
 * Connections to one server by its proxy. That of a secure server has yet to begin with TLS.
 *
 * @throws Error where the proxy cannot be reached, or refuses
 */
export type ProxiedConnections = (
  server: { readonly host: string; readonly port: number },
  isSecure: boolean,
) => Promise<Socket>;

/** @returns undefined: it is reached directly */
export function proxiedConnectionsTo({ href }: URL): ProxiedConnections | undefined {
  const proxy = proxyFor(href);
  if (proxy === undefined) return undefined;
  const agent = new HttpsProxyAgent(proxy, { keepAlive: true });
  return async (server, secureEndpoint) => {
    const asked = new EventEmitter();
    let status = 200;
    asked.on("proxyConnect", ({ statusCode }: { readonly statusCode: number }) => (status = statusCode));
    const socket = await agent.connect(asked as unknown as ClientRequest, { ...server, secureEndpoint });
    if (status === 200) return socket;
    // Else what the proxy says of itself would be taken for the server's answer.
    socket.destroy();
    throw new Error(`its proxy answers HTTP ${status} to CONNECT`);
  };
}

/** How a start message shows it: without what it is asked with. */
export function describeProxy(url: string): string {
  const proxy = proxyFor(url);
  return proxy === undefined ? "" : ` by the proxy ${proxy.host}`;
}

/** The passwords of the proxies that the environment names. */
export function proxySecrets(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(environment)
    .filter(([name]) => /^(?:https?|all)_proxy$/i.test(name))
    .flatMap(([, value = ""]) => (URL.canParse(value) ? [new URL(value).password] : []))
    .filter((password) => password !== "")
    .flatMap((password) => [password, decoded(password) ?? password]);
}
