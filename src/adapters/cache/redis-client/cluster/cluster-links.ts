import { CodedError } from "../../../../domain/errors.js";
import type { RedisCommand, Reply } from "../link/command-batches.js";
import { type LinkDependencies, RedisLink } from "../link/redis-link.js";
import { addressOf, connectionTo, type HostAndPort, type RedisAccess } from "../link/redis-target.js";
import { type ClusterMap, type ClusterTopology, isComplete, slotOfKey } from "./cluster-topology.js";

/** How often a command is sent on to where its key is said to be. */
const MAX_REDIRECTIONS = 4;

interface Sending {
  readonly index: number;
  readonly slot: number;
  readonly command: RedisCommand;
  readonly address: string;
  /** The key is about to move there: it has to be asked for in so many words. */
  readonly isAsking: boolean;
}

/** A connection to every master of a Cluster, following the Cluster's changes. */
export class ClusterLinks {
  readonly #topology: ClusterTopology;
  readonly #access: RedisAccess;
  readonly #commandTimeoutMs: number;
  readonly #dependencies: LinkDependencies;
  readonly #onChange: () => void;
  readonly #links = new Map<string, RedisLink>();

  /** @param onChange called whenever `areConnected` may be another */
  constructor(
    topology: ClusterTopology,
    access: RedisAccess,
    commandTimeoutMs: number,
    dependencies: LinkDependencies,
    onChange: () => void,
  ) {
    this.#topology = topology;
    this.#access = access;
    this.#commandTimeoutMs = commandTimeoutMs;
    this.#dependencies = dependencies;
    this.#onChange = onChange;
    topology.onChange((map) => this.#follow(map));
  }

  /** Whether every key can be asked for. */
  get areConnected(): boolean {
    const { map } = this.#topology;
    return map !== undefined && isComplete(map) && [...this.#links.values()].every(({ isConnected }) => isConnected);
  }

  /** Whether one of the masters takes longer to answer than the time limit for now. */
  get isAnySlow(): boolean {
    for (const link of this.#links.values()) if (link.isSlow) return true;
    return false;
  }

  /**
   * Sends each command to the master of its key, those for one master together, and resolves with an answer for
   * each, in order.
   *
   * @throws CodedError `unavailable` where one of the masters does not answer by the deadline
   */
  async sendByKey(
    commands: readonly { readonly key: string; readonly command: RedisCommand }[],
    deadline: number,
    isWrite = false,
  ): Promise<readonly Reply[]> {
    await this.#topology.ready(deadline);
    const replies = new Array<Reply>(commands.length);
    let sendings = commands.map(({ key, command }, index): Sending => {
      const slot = slotOfKey(key);
      return { index, slot, command, address: this.#masterOf(slot), isAsking: false };
    });
    for (let redirections = 0; sendings.length > 0; redirections++) {
      if (redirections > MAX_REDIRECTIONS)
        throw new CodedError("unavailable", "the nodes of the Redis Cluster do not agree on who has a key");
      const answered = await Promise.all(
        [...byAddress(sendings)].map(([address, together]) => this.#sendTo(address, together, deadline, isWrite)),
      );
      sendings = [];
      for (const { sending, reply } of answered.flat()) {
        const again = this.#redirected(sending, reply);
        if (again === undefined) replies[sending.index] = reply;
        else sendings.push(again);
      }
    }
    return replies;
  }

  /** Sends the same to every master. */
  sendToAll(commands: readonly RedisCommand[], deadline: number): Promise<readonly (readonly Reply[])[]> {
    return Promise.all(this.masters().map((address) => this.sendToMaster(address, commands, deadline)));
  }

  sendToMaster(address: string, commands: readonly RedisCommand[], deadline: number): Promise<readonly Reply[]> {
    return this.#linkTo(address).send(commands, deadline);
  }

  /** @throws CodedError `unavailable` until the Cluster has answered */
  masters(): readonly string[] {
    if (this.#links.size === 0)
      throw new CodedError("unavailable", "no node of the Redis Cluster has answered yet which nodes are masters");
    return [...this.#links.keys()];
  }

  /** One that is connected, where there is one. */
  anyMaster(): string {
    const masters = this.masters();
    return masters.find((address) => this.#links.get(address)?.isConnected === true) ?? (masters[0] as string);
  }

  close(): void {
    for (const link of this.#links.values()) link.close();
    this.#links.clear();
  }

  async #sendTo(address: string, sendings: readonly Sending[], deadline: number, isWrite: boolean) {
    const commands = sendings.flatMap(({ command, isAsking }): RedisCommand[] =>
      isAsking ? [["ASKING"], command] : [command],
    );
    const replies = await this.#linkTo(address).send(commands, deadline, isWrite);
    let next = 0;
    return sendings.map((sending) => {
      next += sending.isAsking ? 2 : 1;
      return { sending, reply: replies[next - 1] };
    });
  }

  #redirected(sending: Sending, reply: Reply): Sending | undefined {
    const redirection = redirectionOf(reply, sending.address);
    if (redirection === undefined) return undefined;
    if (redirection.kind === "down") {
      this.#topology.markStale();
      return undefined;
    }
    const { kind, node, address } = redirection;
    if (kind === "moved") this.#topology.moved(sending.slot, node);
    else this.#ensureLink(address, node);
    return { ...sending, address, isAsking: kind === "ask" };
  }

  #masterOf(slot: number): string {
    const address = this.#topology.map?.masterOfSlot[slot];
    if (address === undefined) throw new CodedError("unavailable", "the Redis Cluster has no master for a key");
    return address;
  }

  #linkTo(address: string): RedisLink {
    const link = this.#links.get(address);
    if (link === undefined)
      throw new CodedError("unavailable", `${address} is no master of the Redis Cluster any more`);
    return link;
  }

  #follow({ masters }: ClusterMap): void {
    for (const [address, link] of this.#links) {
      if (masters.has(address)) continue;
      link.close();
      this.#links.delete(address);
    }
    for (const [address, node] of masters) this.#ensureLink(address, node);
    this.#onChange();
  }

  #ensureLink(address: string, node: HostAndPort): void {
    if (this.#links.has(address)) return;
    const { timing } = this.#dependencies;
    const settings = {
      name: address,
      connection: () => connectionTo({ kind: "server", db: 0, ...node }, this.#access, timing.connectTimeoutMs),
      commandTimeoutMs: this.#commandTimeoutMs,
      followsMaster: false,
      isOfCluster: true,
    };
    const link: RedisLink = new RedisLink(settings, this.#dependencies, () => {
      if (this.#links.get(address)?.isConnected === false) this.#topology.markStale();
      this.#onChange();
    });
    this.#links.set(address, link);
  }
}

function byAddress(sendings: readonly Sending[]): ReadonlyMap<string, readonly Sending[]> {
  const groups = new Map<string, Sending[]>();
  for (const sending of sendings) {
    const group = groups.get(sending.address);
    if (group === undefined) groups.set(sending.address, [sending]);
    else group.push(sending);
  }
  return groups;
}

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
