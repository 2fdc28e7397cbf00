import type {
  ExpiringLists,
  ExpiringValues,
  KeysToRead,
  LockOutcome,
  RedisCommands,
  RedisInsight,
  RedisStats,
  WriteGroup,
  WriteOutcome,
} from "../../redis/store/redis-commands.js";
import type { CommandSettings } from "../commands/one-server.js";
import { runScripts } from "../commands/run-scripts.js";
import {
  listCommands,
  lockCommand,
  scanKeys,
  scanList,
  setCommand,
  STATS_COMMANDS,
  statsOf,
  unlistCommand,
  unlockCall,
} from "../commands/simple-commands.js";
import { namesOf, ReadBatches, type RedisCommand, type Reply } from "../link/command-batches.js";
import { ConnectionChanges } from "../link/link-health.js";
import { accepted, BoundedCall, type LinkDependencies } from "../link/redis-link.js";
import type { RedisAccess } from "../link/redis-target.js";
import { ClusterLinks } from "./cluster-links.js";
import type { ClusterTopology } from "./cluster-topology.js";
import { writeNewestByKey } from "./newest-wins-by-key.js";

/** The commands to a Cluster: each key's to the key's master, those for one master together. */
export class Cluster implements RedisCommands, RedisInsight, ExpiringValues, ExpiringLists {
  readonly #settings: CommandSettings;
  readonly #dependencies: LinkDependencies;
  readonly #call: BoundedCall;
  readonly #changes = new ConnectionChanges();
  readonly #links: ClusterLinks;
  readonly #reads: ReadBatches;

  constructor(
    topology: ClusterTopology,
    access: RedisAccess,
    settings: CommandSettings,
    dependencies: LinkDependencies,
  ) {
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#call = new BoundedCall(dependencies.clock, dependencies.telemetry, settings.commandTimeoutMs);
    this.#reads = new ReadBatches({
      send: (keys) => this.#readLate(keys),
      now: () => performance.now(),
      patienceMs: settings.readPatienceMs,
    });
    this.#links = new ClusterLinks(topology, access, settings.commandTimeoutMs, dependencies, () =>
      this.#changes.set(this.#links.areConnected),
    );
  }

  get isConnected(): boolean {
    return this.#changes.isConnected;
  }

  get isSlow(): boolean {
    return this.#links.isAnySlow;
  }

  get isOverloaded(): boolean {
    return this.#reads.isFull;
  }

  onConnectionChange(listener: (isConnected: boolean) => void): () => void {
    return this.#changes.onChange(listener);
  }

  async read(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const replies = await this.#sendByKey(getCommands(keys));
    return replies as readonly (string | null)[];
  }

  /** Reads of one turn of the event loop go together: one write to each master. */
  readLate(keys: KeysToRead, isUrgent = false): Promise<readonly (string | null)[]> {
    return isUrgent ? this.#readLate(namesOf(keys)) : this.#reads.read(keys);
  }

  async #readLate(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const replies = await this.#call.runLate(async (deadline) =>
      accepted(await this.#links.sendByKey(getCommands(keys), deadline)),
    );
    return replies as readonly (string | null)[];
  }

  writeNewest(groups: readonly WriteGroup[]): Promise<readonly (readonly WriteOutcome[])[]> {
    const settings = { keysTtlMs: this.#settings.keysTtlMs, now: this.#dependencies.clock.now() };
    return this.#call.run((deadline) =>
      writeNewestByKey(groups, settings, (commands) => this.#links.sendByKey(commands, deadline, true)),
    );
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#sendByKey(
      keys.map((key) => ({ key, command: ["DEL", key] })),
      true,
    );
  }

  async setFor(values: readonly (readonly [key: string, value: string])[], lastsMs: number): Promise<void> {
    await this.#sendByKey(
      values.map(([key, value]) => ({ key, command: setCommand(key, value, lastsMs) })),
      true,
    );
  }

  async list(key: string, members: readonly string[], now: number, lastsMs: number): Promise<void> {
    if (members.length === 0) return;
    await this.#sendByKey(
      listCommands(key, members, now, lastsMs).map((command) => ({ key, command })),
      true,
    );
  }

  async unlist(key: string, members: readonly string[]): Promise<void> {
    if (members.length > 0) await this.#sendByKey([{ key, command: unlistCommand(key, members) }], true);
  }

  /** Of its master, page by page: where the list goes to another one meanwhile, members may be missed, as by `scan`. */
  listed(key: string, batchSize: number): AsyncIterable<readonly string[]> {
    return scanList(key, batchSize, async (command) => (await this.#sendByKey([{ key, command }]))[0]);
  }

  async lock(key: string, token: string, durationMs: number): Promise<boolean> {
    const [reply] = await this.#sendByKey([{ key, command: lockCommand(key, token, durationMs) }], true);
    return reply === "OK";
  }

  /** One after the other: of two masters, either could answer first. */
  async lockAndLook(key: string, token: string, durationMs: number, lookFor: string): Promise<LockOutcome> {
    if (!(await this.lock(key, token, durationMs))) return "of-another";
    const found = await this.read([lookFor]).catch(() => undefined);
    return found?.[0] === null ? "taken-and-absent" : "taken-and-maybe-there";
  }

  async unlock(key: string, token: string): Promise<void> {
    await this.#call.run(async (deadline) => {
      const send = (commands: readonly RedisCommand[]) =>
        this.#links.sendByKey(
          commands.map((command) => ({ key, command })),
          deadline,
          true,
        );
      accepted(await runScripts([unlockCall(key, token)], send));
    });
  }

  /** A Cluster passes a message on to all its nodes. */
  async publish(channel: string, message: string): Promise<void> {
    await this.#call.run(async (deadline) =>
      accepted(await this.#links.sendToMaster(this.#links.anyMaster(), [["PUBLISH", channel, message]], deadline)),
    );
  }

  async ping(): Promise<void> {
    await this.#call.run(async (deadline) => (await this.#links.sendToAll([["PING"]], deadline)).map(accepted));
  }

  async *scan(prefix: string, batchSize: number): AsyncGenerator<readonly string[]> {
    for (const master of await this.#call.run(() => Promise.resolve(this.#links.masters()))) {
      yield* scanKeys(prefix, batchSize, (command) =>
        this.#call.run(async (deadline) => (await this.#links.sendToMaster(master, [command], deadline))[0]),
      );
    }
  }

  async stats(): Promise<RedisStats> {
    const all = await this.#call.run(async (deadline) =>
      (await this.#links.sendToAll(STATS_COMMANDS, deadline)).map(statsOf),
    );
    const sum = (figure: keyof RedisStats) => all.reduce((total, stats) => total + stats[figure], 0);
    return {
      keyspaceHits: sum("keyspaceHits"),
      keyspaceMisses: sum("keyspaceMisses"),
      usedMemoryBytes: sum("usedMemoryBytes"),
    };
  }

  close(): void {
    this.#links.close();
    this.#changes.set(false);
  }

  #sendByKey(
    commands: readonly { readonly key: string; readonly command: RedisCommand }[],
    isWrite = false,
  ): Promise<readonly Reply[]> {
    return this.#call.run(async (deadline) => accepted(await this.#links.sendByKey(commands, deadline, isWrite)));
  }
}

function getCommands(keys: readonly string[]): readonly { readonly key: string; readonly command: RedisCommand }[] {
  return keys.map((key) => ({ key, command: ["GET", key] }));
}
