import { OutageLog } from "../../../../ports/logger.js";
import { DependencyState } from "../../../../ports/telemetry.js";
import type { InvalidationListener, Invalidations } from "../../redis/coherence/coherence.js";
import { reasonOf } from "../link/redis-failure.js";
import type { LinkDependencies } from "../link/redis-link.js";
import type { RedisAccess } from "../link/redis-target.js";
import { REFUSED } from "../tracking/one-server-invalidations.js";
import { PersistentTracking } from "../tracking/persistent-tracking.js";
import { type ClusterMap, type ClusterTopology, isComplete } from "./cluster-topology.js";

/**
 * Notices of writes from every master of a Cluster: complete as long as all of them tell. A slot that changes hands
 * may have been written to where nobody listened.
 */
export class ClusterInvalidations implements Invalidations {
  readonly #topology: ClusterTopology;
  readonly #access: RedisAccess;
  readonly #prefixes: readonly string[];
  readonly #dependencies: LinkDependencies;
  readonly #masters = new Map<string, PersistentTracking>();
  readonly #outage: OutageLog;
  #map: ClusterMap | undefined;
  #listener: InvalidationListener | undefined;
  #isCoherent = false;
  #unfollow: (() => void) | undefined;

  constructor(
    topology: ClusterTopology,
    access: RedisAccess,
    prefixes: readonly string[],
    dependencies: LinkDependencies,
  ) {
    this.#topology = topology;
    this.#access = access;
    this.#prefixes = prefixes;
    this.#dependencies = dependencies;
    this.#outage = new OutageLog(
      dependencies.logger,
      new DependencyState("redis_invalidations", dependencies.telemetry.dependencies),
    );
  }

  start(listener: InvalidationListener): void {
    this.#listener = listener;
    this.#unfollow = this.#topology.onChange((map) => this.#follow(map));
    if (this.#topology.map !== undefined) this.#follow(this.#topology.map);
  }

  stop(): Promise<void> {
    this.#listener = undefined;
    this.#unfollow?.();
    for (const master of this.#masters.values()) master.stop();
    return Promise.resolve();
  }

  #follow(map: ClusterMap): void {
    const before = this.#map;
    this.#map = map;
    for (const [address, master] of this.#masters) {
      if (map.masters.has(address)) continue;
      master.stop();
      this.#masters.delete(address);
    }
    for (const [address, node] of map.masters) {
      if (this.#masters.has(address)) continue;
      const target = { kind: "server", db: 0, ...node } as const;
      const tracking = new PersistentTracking(target, this.#access, this.#prefixes, this.#dependencies, {
        tracking: () => this.#update(),
        invalidated: (key) => this.#listener?.invalidated(key),
        invalidatedAll: () => this.#listener?.invalidatedAll(),
        refused: (reason) => this.#dependencies.logger.warn(REFUSED, { redis: address, reason: reasonOf(reason) }),
        lost: () => {
          this.#update();
          this.#topology.markStale();
        },
      });
      this.#masters.set(address, tracking);
    }
    this.#update();
    if (this.#isCoherent && before !== undefined && hasMovedSlots(before, map)) this.#listener?.invalidatedAll();
  }

  #update(): void {
    const isCoherent =
      this.#map !== undefined &&
      isComplete(this.#map) &&
      [...this.#masters.values()].every(({ isTracking }) => isTracking);
    if (isCoherent === this.#isCoherent || this.#listener === undefined) return;
    this.#isCoherent = isCoherent;
    if (isCoherent) {
      this.#outage.recovered("Redis tells of writes", { redis: "Cluster" });
      this.#listener.coherent();
    } else {
      this.#outage.lost("warn", "Redis does not send all of its invalidations: what is held in memory may be stale", {
        redis: "Cluster",
      });
      this.#listener.incoherent();
    }
  }
}

function hasMovedSlots(before: ClusterMap, after: ClusterMap): boolean {
  return before.masterOfSlot.some((address, slot) => address !== after.masterOfSlot[slot]);
}
