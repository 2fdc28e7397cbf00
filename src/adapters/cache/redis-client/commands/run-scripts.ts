import { createHash } from "node:crypto";
import type { RedisCommand, Reply } from "../link/redis-command.js";

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
  const replies = [...(await send(calls.map((call) => commandOf("EVALSHA", call.script.digest, call))))];
  const unknown = calls.flatMap((call, index) => (isUnknownScript(replies[index]) ? [{ call, index }] : []));
  if (unknown.length === 0) return replies;
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
