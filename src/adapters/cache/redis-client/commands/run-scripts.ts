import { createHash } from "node:crypto";
import type { Clock } from "../../../../ports/clock.js";
import type { Logger } from "../../../../ports/logger.js";
import type { RedisCommand, Reply } from "../link/command-batches.js";
import { reasonOf } from "../link/redis-failure.js";

/** A script that Redis knows by its digest, once it has seen it. */
export interface RedisScript {
  readonly source: string;
  readonly digest: string;
}

export interface ScriptCall {
  readonly script: RedisScript;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

export function redisScript(source: string): RedisScript {
  return { source, digest: createHash("sha1").update(source).digest("hex") };
}

/** Runs scripts in one round trip; where Redis has forgotten one, as after a restart, in a second one for those. */
export async function runScripts(
  calls: readonly ScriptCall[],
  send: (commands: readonly RedisCommand[]) => Promise<readonly Reply[]>,
): Promise<readonly Reply[]> {
  const answered = await send(calls.map((call) => commandOf("EVALSHA", call.script.digest, call)));
  if (!answered.some(isUnknownScript)) return answered;
  const replies = [...answered];
  const unknown = calls.flatMap((call, index) => (isUnknownScript(replies[index]) ? [{ call, index }] : []));
  const again = await send(unknown.map(({ call }) => commandOf("EVAL", call.script.source, call)));
  unknown.forEach(({ index }, position) => (replies[index] = again[position]));
  return replies;
}

function commandOf(name: string, script: string, { keys, args }: ScriptCall): RedisCommand {
  return [name, script, keys.length, ...keys, ...args];
}

function isUnknownScript(reply: Reply): boolean {
  return reply instanceof Error && reply.message.startsWith("NOSCRIPT");
}

/** How long it is believed that scripts are forbidden, milliseconds. */
const LOOK_AGAIN_MS = 30_000;

/** Whether a user may run scripts: in some managed Redis nobody may. */
export class ScriptAccess {
  readonly #redis: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #forbiddenAt: number | undefined;
  #isReported = false;

  constructor(redis: string, clock: Clock, logger: Logger) {
    this.#redis = redis;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Whether it is worth to try. */
  get isLikely(): boolean {
    return this.#forbiddenAt === undefined || Math.abs(this.#clock.now() - this.#forbiddenAt) >= LOOK_AGAIN_MS;
  }

  forbidden(refusal: Error): void {
    this.#forbiddenAt = this.#clock.now();
    if (this.#isReported) return;
    this.#isReported = true;
    this.#logger.warn(
      "Redis forbids scripts (EVAL, EVALSHA) to this user: states are written by WATCH, MULTI and SET, one write at a time and two round trips each; allow @scripting for the full rate",
      { redis: this.#redis, reason: reasonOf(refusal) },
    );
  }

  allowed(): void {
    this.#forbiddenAt = undefined;
    if (!this.#isReported) return;
    this.#isReported = false;
    this.#logger.info("Redis allows scripts again", { redis: this.#redis });
  }
}
