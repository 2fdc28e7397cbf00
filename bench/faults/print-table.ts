import { Arena } from "./arena.js";
import type { StartContestant } from "./contestant.js";
import { startReference } from "./reference-contestant.js";
import type { Row } from "./row.js";
import { ORDER_ROWS } from "./rows/order-rows.js";
import { REDIS_ROWS } from "./rows/redis-rows.js";
import { STREAM_ROWS } from "./rows/stream-rows.js";
import { UPSTREAM_ROWS } from "./rows/upstream-rows.js";
import { startSidecar } from "./sidecar-contestant.js";

const ROWS: readonly Row[] = [...STREAM_ROWS, ...ORDER_ROWS, ...UPSTREAM_ROWS, ...REDIS_ROWS];
/** Most of most rows is waiting, so several can be measured at the same time. */
const AT_ONCE = 3;

/**
 * Puts both contestants under each fault and prints what was measured, as Markdown.
 *
 * @param names of the rows; none: all of them
 */
export async function printTable(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => !ROWS.some((row) => row.name === name));
  if (unknown.length > 0)
    throw new Error(`there is no row ${unknown.join(", ")}; rows are ${ROWS.map(({ name }) => name).join(", ")}`);
  const rows = names.length === 0 ? ROWS : ROWS.filter(({ name }) => names.includes(name));
  const lines = new Map<Row, string>();
  const measure = async (left: Iterable<Row>) => {
    for (const row of left) {
      const [reference, sidecar] = await Promise.all([cellOf(row, startReference), cellOf(row, startSidecar)]);
      lines.set(row, `| ${row.fault} | ${reference} | ${sidecar} |\n`);
      process.stderr.write(`${lines.size} of ${rows.length}: ${row.name}\n`);
    }
  };
  const patient = rows.filter(({ isBusy }) => isBusy !== true).values();
  await Promise.all(Array.from({ length: AT_ONCE }, () => measure(patient)));
  await measure(rows.filter(({ isBusy }) => isBusy === true));
  process.stdout.write("| fault | reference client 3.95.0 | entitlement-sidecar |\n| --- | --- | --- |\n");
  for (const row of rows) process.stdout.write(lines.get(row) ?? "");
}

async function cellOf(row: Row, start: StartContestant): Promise<string> {
  const arena = await Arena.open(start, row);
  try {
    return await row.measure(arena);
  } finally {
    await arena.close();
  }
}
