/**
 * The host of a URL at which a client on this machine reaches what listens.
 *
 * @param host as LISTEN_HOST has it; undefined: all addresses
 */
export function reachableHost(host: string | undefined): string {
  if (host === undefined || host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
