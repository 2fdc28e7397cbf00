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
import { namesOf, ReadBatches, type RedisCommand, type Reply } from "../link/command-batches.js";
import { ConnectionChanges } from "../link/link-health.js";
import { isForbidden } from "../link/redis-failure.js";
import { accepted, BoundedCall, type LinkDependencies, RedisLink } from "../link/redis-link.js";
import { connectionTo, nameOf, type OneServerTarget, type RedisAccess } from "../link/redis-target.js";
import { writeNewestByReading } from "./newest-wins-by-reading.js";
import { newestWinsCalls, newestWinsOutcomes } from "./newest-wins-script.js";
import { runScripts, ScriptAccess, type ScriptCall } from "./run-scripts.js";
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
} from "./simple-commands.js";

export interface CommandSettings {
  readonly commandTimeoutMs: number;
  /** How long whoever reads without the time limit may have to wait for its turn, milliseconds. */
  readonly readPatienceMs: number;
  /** How long a key lives, milliseconds; less than 0: for ever. */
  readonly keysTtlMs: number;
}

/** The commands to one server, or to whoever is the master that Sentinels know. */
export class OneServer implements RedisCommands, RedisInsight, ExpiringValues, ExpiringLists {
  readonly #settings: CommandSettings;
  readonly #dependencies: LinkDependencies;
  readonly #call: BoundedCall;
  readonly #changes = new ConnectionChanges();
  readonly #link: RedisLink;
  readonly #scripts: ScriptAccess;
  readonly #reads: ReadBatches;
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(target: OneServerTarget, access: RedisAccess, settings: CommandSettings, dependencies: LinkDependencies) {
    this.#settings = settings;
    this.#dependencies = dependencies;
    this.#call = new BoundedCall(dependencies.clock, dependencies.telemetry, settings.commandTimeoutMs);
    this.#scripts = new ScriptAccess(nameOf(target), dependencies.clock, dependencies.logger);
    this.#reads = new ReadBatches({
      send: (keys) => this.#readLate(keys),
      now: () => performance.now(),
      patienceMs: settings.readPatienceMs,
    });
    this.#link = new RedisLink(
      {
        name: nameOf(target),
        connection: () => connectionTo(target, access, dependencies.timing.connectTimeoutMs),
        commandTimeoutMs: settings.commandTimeoutMs,
        followsMaster: target.kind === "sentinels",
      },
      dependencies,
      () => this.#changes.set(this.#link.isConnected),
    );
  }

  get isConnected(): boolean {
    return this.#changes.isConnected;
  }

  get isSlow(): boolean {
    return this.#link.isSlow;
  }

  get isOverloaded(): boolean {
    return this.#reads.isFull;
  }

  onConnectionChange(listener: (isConnected: boolean) => void): () => void {
    return this.#changes.onChange(listener);
  }

  async read(keys: readonly string[]): Promise<readonly (string | null)[]> {
    if (keys.length === 0) return [];
    const [values] = await this.#send([["MGET", ...keys]]);
    return values as readonly (string | null)[];
  }

  readLate(keys: KeysToRead, isUrgent = false): Promise<readonly (string | null)[]> {
    return isUrgent ? this.#readLate(namesOf(keys)) : this.#reads.read(keys);
  }

  async #readLate(keys: readonly string[]): Promise<readonly (string | null)[]> {
    const [values] = await this.#call.runLate(async (deadline) =>
      accepted(await this.#link.send([["MGET", ...keys]], deadline)),
    );
    return values as readonly (string | null)[];
  }

  writeNewest(groups: readonly WriteGroup[]): Promise<readonly (readonly WriteOutcome[])[]> {
    const settings = { now: this.#dependencies.clock.now(), keysTtlMs: this.#settings.keysTtlMs };
    return this.#call.run(async (deadline) => {
      const replies = await this.#runScripts(newestWinsCalls(groups, settings.now, settings.keysTtlMs), deadline);
      if (replies !== undefined) return newestWinsOutcomes(groups, replies);
      const send = (isWrite: boolean) => (commands: readonly RedisCommand[]) =>
        this.#link.send(commands, deadline, isWrite);
      return this.#inTurn(() => writeNewestByReading(groups, settings, { read: send(false), write: send(true) }));
    });
  }

  async delete(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.#send([["DEL", ...keys]], true);
  }

  async setFor(values: readonly (readonly [key: string, value: string])[], lastsMs: number): Promise<void> {
    if (values.length === 0) return;
    await this.#send(
      values.map(([key, value]) => setCommand(key, value, lastsMs)),
      true,
    );
  }

  async list(key: string, members: readonly string[], now: number, lastsMs: number): Promise<void> {
    if (members.length > 0) await this.#send(listCommands(key, members, now, lastsMs), true);
  }

  async unlist(key: string, members: readonly string[]): Promise<void> {
    if (members.length > 0) await this.#send([unlistCommand(key, members)], true);
  }

  listed(key: string, batchSize: number): AsyncIterable<readonly string[]> {
    return scanList(key, batchSize, async (command) => (await this.#send([command]))[0]);
  }

  async lock(key: string, token: string, durationMs: number): Promise<boolean> {
    const [reply] = await this.#send([lockCommand(key, token, durationMs)], true);
    return reply === "OK";
  }

  lockAndLook(key: string, token: string, durationMs: number, lookFor: string): Promise<LockOutcome> {
    return this.#call.run(async (deadline) => {
      const commands: readonly RedisCommand[] = [lockCommand(key, token, durationMs), ["MGET", lookFor]];
      const [locked, found] = await this.#link.send(commands, deadline, true);
      accepted([locked]);
      if (locked !== "OK") return "of-another";
      return Array.isArray(found) && found[0] === null ? "taken-and-absent" : "taken-and-maybe-there";
    });
  }

  async unlock(key: string, token: string): Promise<void> {
    await this.#call.run(async (deadline) => {
      const replies = await this.#runScripts([unlockCall(key, token)], deadline);
      if (replies !== undefined) accepted(replies);
      else if (accepted(await this.#link.send([["GET", key]], deadline))[0] === token)
        accepted(await this.#link.send([["DEL", key]], deadline, true));
    });
  }

  async publish(channel: string, message: string): Promise<void> {
    await this.#send([["PUBLISH", channel, message]], false, true);
  }

  async ping(): Promise<void> {
    await this.#send([["PING"]]);
  }

  scan(prefix: string, batchSize: number): AsyncIterable<readonly string[]> {
    return scanKeys(prefix, batchSize, async (command) => (await this.#send([command]))[0]);
  }

  async stats(): Promise<RedisStats> {
    return statsOf(await this.#send(STATS_COMMANDS));
  }

  close(): void {
    this.#link.close();
    this.#changes.set(false);
  }

  #send(commands: readonly RedisCommand[], isWrite = false, canWait = isWrite): Promise<readonly Reply[]> {
    return this.#call.run(async (deadline) => accepted(await this.#link.send(commands, deadline, isWrite, canWait)));
  }

  /** Undefined where scripts are forbidden. */
  async #runScripts(calls: readonly ScriptCall[], deadline: number): Promise<readonly Reply[] | undefined> {
    if (!this.#scripts.isLikely) return undefined;
    const replies = await runScripts(calls, (commands) => this.#link.send(commands, deadline, true));
    const refusal = replies.find((reply): reply is Error => isForbidden(reply) && /'eval/i.test(reply.message));
    if (refusal !== undefined) {
      this.#scripts.forbidden(refusal);
      return undefined;
    }
    this.#scripts.allowed();
    return replies;
  }

  /** One after the other: what is watched is the connection's. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => undefined);
    return turn;
  }
}
