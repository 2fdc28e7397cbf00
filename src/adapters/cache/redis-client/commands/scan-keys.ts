import type { RedisCommand, Reply } from "../link/redis-command.js";
import { accepted, scanCommand } from "./simple-commands.js";

const FIRST_AND_LAST_CURSOR = "0";

/** All keys of one server that begin so, in batches of at least that size, except for the last. */
export async function* scanKeys(
  prefix: string,
  batchSize: number,
  send: (command: RedisCommand) => Promise<Reply>,
): AsyncGenerator<readonly string[]> {
  let cursor = FIRST_AND_LAST_CURSOR;
  let found: string[] = [];
  do {
    const [reply] = accepted([await send(scanCommand(cursor, prefix, batchSize))]);
    const [next, keys] = reply as readonly [string, readonly string[]];
    cursor = next;
    found.push(...keys);
    if (found.length < batchSize) continue;
    yield found;
    found = [];
  } while (cursor !== FIRST_AND_LAST_CURSOR);
  if (found.length > 0) yield found;
}
