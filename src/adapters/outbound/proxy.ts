import type { Agent, AgentOptions } from "node:http";
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
export function proxyAgentFor(url: string, options: AgentOptions = {}): Agent | undefined {
  const proxy = proxyFor(url);
  return proxy === undefined ? undefined : new HttpsProxyAgent(proxy, options);
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
