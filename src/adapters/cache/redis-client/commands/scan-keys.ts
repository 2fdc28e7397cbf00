import type { RedisCommand, Reply } from "../link/redis-command.js";
import { accepted, listScanCommand, scanCommand } from "./simple-commands.js";

const FIRST_AND_LAST_CURSOR = "0";

type Send = (command: RedisCommand) => Promise<Reply>;

/** All keys of one server that begin so, in batches of at least that size, except for the last. */
export function scanKeys(prefix: string, batchSize: number, send: Send): AsyncGenerator<readonly string[]> {
  return scanned((cursor) => send(scanCommand(cursor, prefix, batchSize)), batchSize);
}

/** All members of a list, in the same way. */
export async function* scanList(key: string, batchSize: number, send: Send): AsyncGenerator<readonly string[]> {
  const pages = scanned((cursor) => send(listScanCommand(cursor, key, batchSize)), 2 * batchSize);
  // Behind each member stands its score.
  for await (const page of pages) yield page.filter((_, index) => index % 2 === 0);
}

async function* scanned(ask: (cursor: string) => Promise<Reply>, batchSize: number): AsyncGenerator<readonly string[]> {
  let cursor = FIRST_AND_LAST_CURSOR;
  let found: string[] = [];
  do {
    const [reply] = accepted([await ask(cursor)]);
    const [next, items] = reply as readonly [string, readonly string[]];
    cursor = next;
    found.push(...items);
    if (found.length < batchSize) continue;
    yield found;
    found = [];
  } while (cursor !== FIRST_AND_LAST_CURSOR);
  if (found.length > 0) yield found;
}
