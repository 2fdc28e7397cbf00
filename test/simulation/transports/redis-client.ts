import { EventEmitter } from "node:events";
import type { RedisReply, RedisServer } from "../servers/redis-server.js";
import type { Pipe } from "../world/network.js";
import type { SimProcess } from "../world/sim-process.js";
import { theWorld } from "../world/world.js";

/** What stands in for the library `ioredis`: the link that carries commands there, and replies and changes back. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

export interface VirtualRedis {
  readonly host: string;
  readonly server: RedisServer;
  isUp: boolean;
  /** When it last came back with other content than it had, microseconds of virtual time. */
  restartedAt: number;
  /** Ends every connection. */
  readonly links: Set<() => void>;
}

const servers = new WeakMap<object, Map<string, VirtualRedis>>();

/** Microseconds: of the client's processor for a reply, and of the server's for a command. */
const COST_OF_REPLY = 25;
const COST_OF_VALUE = 6;

export function listenRedis(redis: VirtualRedis): void {
  const world = theWorld();
  const known = servers.get(world) ?? new Map<string, VirtualRedis>();
  servers.set(world, known);
  known.set(redis.host, redis);
}

interface Asked {
  readonly resolve: (reply: RedisReply) => void;
  readonly reject: (error: Error) => void;
}

interface RedisOptions {
  readonly host?: string;
}

type Argument = string | number;

export class Redis extends EventEmitter {
  readonly stream: SocketOfRedis;
  readonly #process: SimProcess | undefined;
  readonly #host: string;
  readonly #there: Pipe;
  readonly #back: Pipe;
  readonly #asked: Asked[] = [];
  #connection: number | undefined;
  #redis: VirtualRedis | undefined;
  #hasEnded = false;
  readonly #drop = (): void => this.#back.send(() => this.#lost(new Error("the connection was reset")));

  constructor({ host = "redis" }: RedisOptions) {
    super();
    const { network, scheduler } = theWorld();
    this.#process = scheduler.current;
    this.#host = host;
    const from = this.#process?.host ?? "world";
    this.#there = network.pipe(from, host, undefined);
    this.#back = network.pipe(host, from, this.#process);
    this.stream = new SocketOfRedis(this);
    this.#process?.onEnd(() => this.#leave());
    this.#there.send(() => {
      const redis = servers.get(theWorld())?.get(this.#host);
      if (redis?.isUp !== true || network.isRefusing(host)) this.#back.send(() => this.#refused());
      else this.#accept(redis);
    });
  }

  call(name: string, ...args: readonly Argument[]): Promise<RedisReply> {
    return new Promise((resolve, reject) => this.#send([name, ...args].map(String), { resolve, reject }));
  }

  /** On a link on which nothing is wrong or under way it is no event: whoever looks at the socket finds the answer in time. */
  ping(): Promise<RedisReply> {
    const { network } = theWorld();
    if (this.#hasEnded || this.#asked.length > 0 || !this.#isServed() || this.stream.listenerCount("data") > 0)
      return this.call("PING");
    const took = network.roundTrip(this.#there, this.#back);
    if (took === undefined) return this.call("PING");
    this.stream.answered(PONG_BYTES, took);
    return PONG;
  }

  client(...args: readonly Argument[]): Promise<RedisReply> {
    return this.call("CLIENT", ...args);
  }

  subscribe(channel: string): Promise<RedisReply> {
    return this.call("SUBSCRIBE", channel);
  }

  pipeline(): Pipeline {
    return new Pipeline(this);
  }

  disconnect(): void {
    if (this.#hasEnded) return;
    this.#leave();
    theWorld().scheduler.after(0, this.#process, () => this.#lost(new Error("Connection is closed.")));
  }

  #send(command: readonly string[], asked: Asked): void {
    if (this.#hasEnded || this.#connection === undefined) {
      asked.reject(new Error("Stream isn't writeable and enableOfflineQueue options is false"));
      return;
    }
    this.#asked.push(asked);
    this.#there.send(() => {
      const [redis, connection] = [this.#redis, this.#connection];
      if (!this.#isServed() || redis === undefined || connection === undefined) return;
      const reply = redis.server.execute(connection, command);
      this.#back.send(() => this.#replied(reply));
    });
  }

  #isServed(): boolean {
    return this.#connection !== undefined && this.#redis?.isUp === true && this.#redis.links.has(this.#drop);
  }

  #accept(redis: VirtualRedis): void {
    this.#redis = redis;
    redis.links.add(this.#drop);
    const connection = redis.server.connect({
      push: (channel, message) =>
        this.#back.send(() => {
          if (this.#hasEnded) return;
          this.#received(20);
          this.emit("messageBuffer", Buffer.from(channel), message);
        }),
    });
    this.#back.send(() => {
      if (this.#hasEnded) return;
      this.#connection = connection;
      this.#received(5);
      this.emit("ready");
    });
    this.#connectionAtServer = connection;
  }

  #connectionAtServer: number | undefined;

  #replied(reply: RedisReply): void {
    if (this.#hasEnded) return;
    const asked = this.#asked.shift();
    theWorld().scheduler.charge(COST_OF_REPLY + (Array.isArray(reply) ? reply.length * COST_OF_VALUE : 0));
    this.#received(PONG_BYTES);
    if (reply instanceof Error) asked?.reject(new ReplyError(reply.message));
    else asked?.resolve(reply);
  }

  /** In the order of the library: first its own listener, then whoever looks at the stream. */
  #received(bytes: number): void {
    this.stream.answered(bytes, 0);
    if (this.stream.listenerCount("data") > 0) setImmediate(() => this.stream.emit("data"));
  }

  #refused(): void {
    if (this.#hasEnded) return;
    this.emit("error", Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }));
    this.#lost(new Error("connect ECONNREFUSED"));
  }

  #leave(): void {
    this.#there.send(() => {
      this.#redis?.links.delete(this.#drop);
      if (this.#connectionAtServer !== undefined) this.#redis?.server.disconnect(this.#connectionAtServer);
    });
  }

  #lost(error: Error): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const { reject } of this.#asked.splice(0)) reject(error);
    this.emit("end");
  }
}

const PONG_BYTES = 10;
const PONG = Promise.resolve("PONG");

/** How much came, by when. */
class SocketOfRedis extends EventEmitter {
  readonly #redis: Redis;
  #read = 0;
  #coming = 0;
  #comesAt = Infinity;

  constructor(redis: Redis) {
    super();
    this.#redis = redis;
  }

  get bytesRead(): number {
    if (this.#comesAt <= theWorld().scheduler.now) this.#take();
    return this.#read;
  }

  /** @param after microseconds from now */
  answered(bytes: number, after: number): void {
    this.#take();
    if (after === 0) this.#read += bytes;
    else [this.#coming, this.#comesAt] = [bytes, theWorld().scheduler.now + after];
  }

  destroy(): void {
    this.#redis.disconnect();
  }

  #take(): void {
    this.#read += this.#coming;
    this.#coming = 0;
    this.#comesAt = Infinity;
  }
}

class Pipeline {
  readonly #redis: Redis;
  readonly #commands: (readonly [string, ...Argument[]])[] = [];

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  call(name: string, args: readonly Argument[]): this {
    this.#commands.push([name, ...args]);
    return this;
  }

  async exec(): Promise<readonly (readonly [Error | null, RedisReply])[]> {
    return Promise.all(
      this.#commands.map(([name, ...args]) =>
        this.#redis.call(name, ...args).then(
          (reply) => [null, reply] as const,
          (error: unknown) => [error as Error, null] as const,
        ),
      ),
    );
  }
}

export default Redis;
