import { addressOf, type HostAndPort } from "../link/redis-target.js";
import { SLOTS } from "./slot-of-key.js";

/** Who is master of which slot, as one node sees it. */
export interface ClusterMap {
  /** By address. */
  readonly masters: ReadonlyMap<string, HostAndPort>;
  /** The address of each slot's master; undefined where it has none. */
  readonly masterOfSlot: readonly (string | undefined)[];
  /** All nodes, replicas too: whom to ask for a newer map. */
  readonly nodes: readonly HostAndPort[];
}

/**
 * Reads the answer to CLUSTER SLOTS.
 *
 * @param asked who answered: a node that does not know its own name leaves it out
 */
export function readClusterMap(reply: unknown, asked: HostAndPort): ClusterMap {
  const masters = new Map<string, HostAndPort>();
  const nodes = new Map<string, HostAndPort>();
  const masterOfSlot = new Array<string | undefined>(SLOTS).fill(undefined);
  for (const [first, last, ...servers] of reply as readonly [number, number, ...(readonly unknown[])[]][]) {
    servers.forEach(([host, port], index) => {
      const node = { host: isNamed(host) ? host : asked.host, port: Number(port) };
      const address = addressOf(node);
      nodes.set(address, node);
      if (index > 0) return;
      masters.set(address, node);
      masterOfSlot.fill(address, first, last + 1);
    });
  }
  return { masters, masterOfSlot, nodes: [...nodes.values()] };
}

export function isComplete({ masterOfSlot }: ClusterMap): boolean {
  return !masterOfSlot.includes(undefined);
}

function isNamed(host: unknown): host is string {
  return typeof host === "string" && host !== "" && host !== "?";
}
