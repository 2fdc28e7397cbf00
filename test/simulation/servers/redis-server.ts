import { createHash } from "node:crypto";
import { LuaScript, LuaTable, type LuaValue } from "./lua.js";

/** What Redis answers: RESP2. An Error is an error reply. */
export type RedisReply = string | number | null | Error | readonly RedisReply[];

/** One connection as the server sees it. */
export interface RedisPeer {
  /** A message on a channel, or keys that were written to; null: all of them. */
  push(channel: string, message: string | readonly string[] | null): void;
}

interface Entry {
  readonly value: string;
  /** Milliseconds by the server's clock, or Infinity. */
  readonly expiresAt: number;
}

class Connection {
  readonly id: number;
  readonly peer: RedisPeer;
  prefixes: readonly string[] | undefined;
  /** Of this turn: keys that were written to. */
  readonly written = new Set<string>();
  redirect = 0;
  readonly channels = new Set<string>();
  watched: Map<string, number> | undefined;
  queue: (readonly string[])[] | undefined;

  constructor(id: number, peer: RedisPeer) {
    this.id = id;
    this.peer = peer;
  }
}

const OK = "OK";
const INVALIDATE = "__redis__:invalidate";

/**
 * A Redis of one node as the product uses it: strings with expiry, scripts, transactions, locks, channels, and the changes of
 * writes in broadcast mode. The tests send the same commands to a real server and compare.
 */
export class RedisServer {
  readonly #now: () => number;
  #entries = new Map<string, Entry>();
  readonly #versions = new Map<string, number>();
  readonly #scripts = new Map<string, LuaScript>();
  readonly #connections = new Map<number, Connection>();
  #ids = 0;
  #version = 0;
  #hasWritten = false;
  /** Nobody may run scripts, as in some managed Redis. */
  forbidsScripts = false;
  /** Writes are refused, as by a replica. */
  isReadOnly = false;

  /** @param now milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  connect(peer: RedisPeer): number {
    const id = ++this.#ids;
    this.#connections.set(id, new Connection(id, peer));
    return id;
  }

  disconnect(id: number): void {
    this.#connections.delete(id);
  }

  /** What it holds, to be put back later: as a replica that lagged, or a dump that is old. */
  snapshot(): ReadonlyMap<string, unknown> {
    return new Map(this.#entries);
  }

  /** Ends all connections and begins anew, with what is given. */
  restart(content: ReadonlyMap<string, unknown> = new Map()): void {
    this.#connections.clear();
    this.#scripts.clear();
    this.#entries = new Map(content as ReadonlyMap<string, Entry>);
  }

  has(key: string): boolean {
    return this.peek(key) !== null;
  }

  /** What a key holds, as nobody is told of. */
  peek(key: string): string | null {
    const entry = this.#entries.get(key);
    return entry === undefined || entry.expiresAt <= this.#now() ? null : entry.value;
  }

  execute(id: number, command: readonly string[]): RedisReply {
    const connection = this.#connections.get(id);
    if (connection === undefined) throw new Error("there is no such connection");
    const name = (command[0] ?? "").toUpperCase();
    if (connection.queue !== undefined && !["EXEC", "DISCARD", "MULTI", "WATCH"].includes(name)) {
      connection.queue.push(command);
      return "QUEUED";
    }
    try {
      return this.#run(connection, name, command.slice(1));
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    } finally {
      if (this.#hasWritten) this.#announce();
    }
  }

  /** As the server does before it waits again: one message of all that a turn has written. */
  #announce(): void {
    this.#hasWritten = false;
    for (const connection of this.#connections.values()) {
      if (connection.written.size === 0) continue;
      this.#push(connection, [...connection.written]);
      connection.written.clear();
    }
  }

  #run(connection: Connection, name: string, args: readonly string[]): RedisReply {
    const [first = ""] = args;
    switch (name) {
      case "PING":
        return "PONG";
      case "CLIENT":
        return this.#client(connection, args);
      case "SUBSCRIBE":
        connection.channels.add(first);
        return ["subscribe", first, connection.channels.size];
      case "PUBLISH":
        return this.#publish(first, args[1] ?? "");
      case "WATCH":
        connection.watched = new Map(args.map((key) => [key, this.#versions.get(key) ?? 0]));
        return OK;
      case "UNWATCH":
        connection.watched = undefined;
        return OK;
      case "MULTI":
        connection.queue = [];
        return OK;
      case "DISCARD":
        connection.queue = connection.watched = undefined;
        return OK;
      case "EXEC":
        return this.#exec(connection);
      case "EVAL":
        return this.#evaluate(connection, first, args);
      case "EVALSHA":
        return this.#scripts.has(first) || this.forbidsScripts
          ? this.#runScript(connection, first, args)
          : new Error("NOSCRIPT No matching script. Please use EVAL.");
      default:
        return this.#data(connection, name, args);
    }
  }

  #data(connection: Connection | undefined, name: string, args: readonly string[]): RedisReply {
    const [key = "", value = ""] = args;
    switch (name) {
      case "GET":
        return this.#get(key);
      case "MGET":
        return args.map((each) => this.#get(each));
      case "EXISTS":
        return args.filter((each) => this.#get(each) !== null).length;
      case "SET": {
        const options = args.slice(2).map((each) => each.toUpperCase());
        if (this.isReadOnly) return new Error("READONLY You can't write against a read only replica.");
        if (options.includes("NX") && this.#get(key) !== null) return null;
        const lifetime = options.includes("PX") ? Number(args[2 + options.indexOf("PX") + 1]) : Infinity;
        this.#entries.set(key, { value, expiresAt: this.#now() + lifetime });
        this.#wrote(key);
        return OK;
      }
      case "DEL": {
        if (this.isReadOnly) return new Error("READONLY You can't write against a read only replica.");
        let deleted = 0;
        for (const each of args) {
          if (this.#get(each) === null) continue;
          this.#entries.delete(each);
          this.#wrote(each);
          deleted++;
        }
        return deleted;
      }
      case "PTTL": {
        if (this.#get(key) === null) return -2;
        const { expiresAt } = this.#entries.get(key) as Entry;
        return expiresAt === Infinity ? -1 : expiresAt - this.#now();
      }
      case "SCAN":
        return [
          "0",
          [...this.#entries.keys()].filter(
            (each) => this.#get(each) !== null && matches(args[args.indexOf("MATCH") + 1] ?? "*", each),
          ),
        ];
      case "FLUSHALL":
        this.#entries.clear();
        for (const each of this.#connections.values()) if (each.prefixes !== undefined) this.#push(each, null);
        return OK;
      case "INFO":
        return "keyspace_hits:0\r\nkeyspace_misses:0\r\nused_memory:1\r\n";
      default:
        throw new Error(`ERR unknown command '${name}'${connection === undefined ? " in a script" : ""}`);
    }
  }

  #get(key: string): string | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    if (entry.expiresAt > this.#now()) return entry.value;
    this.#entries.delete(key);
    this.#wrote(key);
    return null;
  }

  #wrote(key: string): void {
    this.#versions.set(key, ++this.#version);
    for (const connection of this.#connections.values()) {
      if (connection.prefixes?.some((prefix) => key.startsWith(prefix)) !== true) continue;
      connection.written.add(key);
      this.#hasWritten = true;
    }
  }

  #push(connection: Connection, keys: readonly string[] | null): void {
    const to = this.#connections.get(connection.redirect);
    if (to?.channels.has(INVALIDATE) === true) to.peer.push(INVALIDATE, keys);
  }

  #client(connection: Connection, args: readonly string[]): RedisReply {
    const [sub = ""] = args.map((each) => each.toUpperCase());
    if (sub === "ID") return connection.id;
    if (sub !== "TRACKING") return OK;
    connection.redirect = Number(args[args.findIndex((each) => each.toUpperCase() === "REDIRECT") + 1]);
    connection.prefixes = args.flatMap((each, index) =>
      each.toUpperCase() === "PREFIX" ? [args[index + 1] ?? ""] : [],
    );
    return OK;
  }

  #publish(channel: string, message: string): number {
    const listeners = [...this.#connections.values()].filter(({ channels }) => channels.has(channel));
    for (const { peer } of listeners) peer.push(channel, message);
    return listeners.length;
  }

  #exec(connection: Connection): RedisReply {
    const { queue = [], watched = new Map<string, number>() } = connection;
    connection.queue = connection.watched = undefined;
    for (const [key, version] of watched) if ((this.#versions.get(key) ?? 0) !== version) return null;
    return queue.map(([name = "", ...args]) => this.#run(connection, name.toUpperCase(), args));
  }

  #evaluate(connection: Connection, source: string, args: readonly string[]): RedisReply {
    const digest = createHash("sha1").update(source).digest("hex");
    if (!this.forbidsScripts && !this.#scripts.has(digest)) this.#scripts.set(digest, new LuaScript(source));
    return this.#runScript(connection, digest, args, "eval");
  }

  #runScript(_connection: Connection, digest: string, args: readonly string[], name = "evalsha"): RedisReply {
    if (this.forbidsScripts) return new Error(`NOPERM User default has no permissions to run the '${name}' command`);
    const keys = Number(args[1]);
    const script = this.#scripts.get(digest);
    if (script === undefined) throw new Error("NOSCRIPT No matching script. Please use EVAL.");
    const received = script.run(args.slice(2, 2 + keys), args.slice(2 + keys), (command) => {
      const reply = this.#data(undefined, (command[0] ?? "").toUpperCase(), command.slice(1));
      if (reply instanceof Error) throw reply;
      return toLua(reply);
    });
    return fromLua(received);
  }
}

function toLua(reply: RedisReply): LuaValue {
  if (reply === null) return false;
  if (typeof reply === "string" || typeof reply === "number") return reply;
  return LuaTable.list((reply as readonly RedisReply[]).map(toLua));
}

function fromLua(value: LuaValue): RedisReply {
  if (value === undefined || value === false || typeof value === "function") return null;
  if (value === true) return 1;
  if (typeof value === "number") return Math.trunc(value);
  if (typeof value === "string") return value;
  return Array.from({ length: value.length }, (_, index) => fromLua(value.get(index + 1)));
}

function matches(pattern: string, key: string): boolean {
  const literal = pattern.replace(/\\(.)/g, "$1");
  return literal.endsWith("*") ? key.startsWith(literal.slice(0, -1)) : key === literal;
}
