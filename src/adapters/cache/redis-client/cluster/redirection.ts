import type { Reply } from "../link/redis-command.js";
import { addressOf, type HostAndPort } from "../link/redis-target.js";

/** Where a node says that a key is; or that it cannot tell, since the Cluster is not whole. */
export type Redirection =
  { readonly kind: "moved" | "ask"; readonly node: HostAndPort; readonly address: string } | { readonly kind: "down" };

/** @param asked the address of the node that answered: it leaves out a host that is its own */
export function redirectionOf(reply: Reply, asked: string): Redirection | undefined {
  if (!(reply instanceof Error)) return undefined;
  if (/^(?:CLUSTERDOWN|MASTERDOWN)/.test(reply.message)) return { kind: "down" };
  const match = /^(MOVED|ASK) \d+ (.*):(\d+)$/.exec(reply.message);
  if (match === null) return undefined;
  const [, kind, host = "", port] = match;
  const node = { host: host === "" ? asked.slice(0, asked.lastIndexOf(":")) : host, port: Number(port) };
  return { kind: kind === "ASK" ? "ask" : "moved", node, address: addressOf(node) };
}
