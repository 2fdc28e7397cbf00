import type { ChainableCommander, Redis } from "ioredis";

export type RedisCommand = readonly [name: string, ...args: readonly (string | number)[]];

/** What Redis answered to one command; an Error where it refused it. */
export type Reply = unknown;

interface Waiting {
  readonly commands: readonly RedisCommand[];
  readonly resolve: (replies: readonly Reply[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends in one write to the socket what one turn of the event loop has for Redis, in the order in which it came. */
export class CommandBatch {
  readonly #redis: Redis;
  readonly #exec: (pipeline: ChainableCommander, commands: number) => Promise<readonly Reply[]>;
  #waiting: Waiting[] = [];
  #isFlushDue = false;

  /** @param exec sends a pipeline of so many commands */
  constructor(redis: Redis, exec: (pipeline: ChainableCommander, commands: number) => Promise<readonly Reply[]>) {
    this.#redis = redis;
    this.#exec = exec;
  }

  /**
   * Resolves with an answer for each command.
   *
   * @param canWait whether there may be more in this turn that goes with it; else it is sent now, and all that waits with it
   */
  send(commands: readonly RedisCommand[], canWait: boolean): Promise<readonly Reply[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commands, resolve, reject });
      if (!canWait) this.#flush();
      else if (!this.#isFlushDue) {
        this.#isFlushDue = true;
        setImmediate(() => {
          this.#isFlushDue = false;
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const pipeline = this.#redis.pipeline();
    let count = 0;
    for (const { commands } of waiting) {
      count += commands.length;
      for (const [name, ...args] of commands) pipeline.call(name, ...args);
    }
    this.#exec(pipeline, count).then(
      (replies) => {
        let from = 0;
        for (const { commands, resolve } of waiting) resolve(replies.slice(from, (from += commands.length)));
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }
}
