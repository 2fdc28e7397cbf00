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
  const proxy = getProxyForUrl(url.replace(/^ws/, "http"));
  return URL.canParse(proxy) && PROTOCOL.test(new URL(proxy).protocol) ? new URL(proxy) : undefined;
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
    .flatMap((password) => [password, decodeURIComponent(password)]);
}
