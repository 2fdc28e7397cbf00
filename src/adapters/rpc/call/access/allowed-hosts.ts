import { isIP } from "node:net";

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
