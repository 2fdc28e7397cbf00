import { BackOff, type CancelTimer } from "../../../../ports/clock.js";
import { LinkLog } from "../link/redis-failure.js";
import type { LinkDependencies } from "../link/redis-link.js";
import { addressOf, connectionTo, type HostAndPort, type RedisAccess } from "../link/redis-target.js";
import { InitialConnect, Session } from "../link/session.js";

/** How often a node is asked without need, milliseconds. A key that moves is reported to whoever tracks it where it was. */
const REFRESH_INTERVAL_MS = 1_000;

const MAX_OUTDATED_ANSWERS = 20;

/** Follows who is master of what, asking one node at a time, over a connection of its own. */
export class ClusterTopology {
  readonly #seeds: readonly HostAndPort[];
  readonly #access: RedisAccess;
  readonly #dependencies: LinkDependencies;
  readonly #backOff: BackOff;
  readonly #log: LinkLog;
  readonly #listeners = new Set<(map: ClusterMap) => void>();
  readonly #firstAttempt: InitialConnect;
  #map: ClusterMap | undefined;
  #session: Session | undefined;
  /** The Cluster's own count of its changes. */
  #epoch = 0;
  #outdatedAnswers = 0;
  #isAsking = false;
  #next = 0;
  #cancelTimer: CancelTimer | undefined;
  #isClosed = false;

  constructor(seeds: readonly HostAndPort[], access: RedisAccess, dependencies: LinkDependencies) {
    this.#seeds = seeds;
    this.#access = access;
    this.#dependencies = dependencies;
    this.#backOff = new BackOff(dependencies.timing, dependencies.random);
    this.#log = new LinkLog("Cluster", dependencies.logger, dependencies.telemetry);
    this.#firstAttempt = new InitialConnect(dependencies.clock);
    this.#askNext();
  }

  /** Undefined until a node has answered. */
  get map(): ClusterMap | undefined {
    return this.#map;
  }

  /** Waits for the very first attempt to have a map, at most until the deadline (epoch milliseconds). */
  async ready(deadline: number): Promise<void> {
    if (!this.#firstAttempt.isOver) await this.#firstAttempt.wait(deadline);
  }

  /** Calls back whenever the map is another. */
  onChange(listener: (map: ClusterMap) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Something is not where the map says: another node may know more. */
  markStale(): void {
    if (this.#isClosed || this.#isAsking || this.#session?.isReady !== true) return;
    this.#cancelTimer?.();
    this.#session.end(new Error("another node may know more"));
  }

  /** A node says where a slot is: to be believed until the next map. */
  moved(slot: number, { host, port }: HostAndPort): void {
    const address = addressOf({ host, port });
    if (this.#map === undefined || this.#map.masterOfSlot[slot] === address) return;
    const masters = new Map(this.#map.masters).set(address, { host, port });
    this.#tell({ ...this.#map, masters, masterOfSlot: this.#map.masterOfSlot.with(slot, address) });
    this.markStale();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelTimer?.();
    this.#session?.end(new Error("closed"));
  }

  #askNext(): void {
    const candidates = [...(this.#map?.nodes ?? []), ...this.#seeds];
    const node = candidates[this.#next++ % candidates.length];
    if (node === undefined) return;
    const { clock, timing } = this.#dependencies;
    let readyAt: number | undefined;
    this.#isAsking = true;
    const session = new Session(
      connectionTo({ kind: "server", db: 0, ...node }, this.#access, timing.connectTimeoutMs),
      timing,
      clock,
      {
        ready: () => {
          readyAt = clock.now();
          this.#ask(session, node);
        },
        ended: (reason) => this.#ended(reason, readyAt),
      },
    );
    this.#session = session;
  }

  #ask(session: Session, node: HostAndPort): void {
    this.#isAsking = true;
    Promise.all([session.redis.cluster("INFO"), session.redis.call("CLUSTER", "SLOTS")]).then(
      ([info, slots]) => {
        this.#isAsking = false;
        if (this.#isClosed || !session.isReady) return;
        if (this.#isOutdated(Number(/cluster_current_epoch:(\d+)/.exec(info)?.[1] ?? 0))) {
          session.end(new Error("another node knows of newer changes"));
          return;
        }
        this.#take(readClusterMap(slots, node));
        this.#cancelTimer = this.#dependencies.clock.after(REFRESH_INTERVAL_MS, () => {
          if (session.isReady) this.#ask(session, node);
        });
      },
      (error: unknown) => session.end(error instanceof Error ? error : new Error("the Cluster did not tell")),
    );
  }

  #ended(reason: Error, readyAt: number | undefined): void {
    this.#firstAttempt.over();
    this.#cancelTimer?.();
    if (this.#isClosed) return;
    const { clock, telemetry } = this.#dependencies;
    telemetry.redisClientErrors++;
    // One node that is gone is no state of the Cluster's, as long as another one knows of all.
    if (this.#map === undefined) this.#log.lost(reason);
    const lastedMs = readyAt === undefined ? 0 : clock.now() - readyAt;
    this.#cancelTimer = clock.after(this.#backOff.nextMs(lastedMs), () => this.#askNext());
  }

  /** Who has not heard of a change yet would undo it. Whoever says the same again and again is a Cluster that began anew. */
  #isOutdated(epoch: number): boolean {
    const isOutdated = epoch < this.#epoch && ++this.#outdatedAnswers < MAX_OUTDATED_ANSWERS;
    if (isOutdated) return true;
    this.#epoch = epoch;
    this.#outdatedAnswers = 0;
    return false;
  }

  #take(map: ClusterMap): void {
    if (this.#map !== undefined && isSame(map, this.#map)) return;
    this.#dependencies.logger.info("the Redis Cluster has answered which nodes are masters", {
      masters: [...map.masters.keys()].sort(),
    });
    this.#tell(map);
  }

  #tell(map: ClusterMap): void {
    this.#map = map;
    for (const listener of [...this.#listeners]) listener(map);
    this.#firstAttempt.over();
  }
}

function isSame(one: ClusterMap, other: ClusterMap): boolean {
  return (
    one.masters.size === other.masters.size &&
    one.masterOfSlot.every((address, slot) => address === other.masterOfSlot[slot])
  );
}

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

const SLOTS = 16_384;

const POLYNOMIAL = 0x1021;
const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x8000) === 0 ? 0 : POLYNOMIAL);
  return crc;
});

/** Which of a Cluster's slots a key lies in: CRC-16 (XMODEM) of it, or of what stands between its first braces. */
export function slotOfKey(key: string): number {
  const open = key.indexOf("{");
  const close = open < 0 ? -1 : key.indexOf("}", open + 1);
  return crc16(close > open + 1 ? key.slice(open + 1, close) : key) % SLOTS;
}

function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) crc = ((crc << 8) & 0xffff) ^ (TABLE[(crc >> 8) ^ byte] ?? 0);
  return crc;
}
