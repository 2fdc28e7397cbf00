import { expect, it } from "@jest/globals";
import { because } from "../support/expectations.js";
import { onTestFinished } from "../support/on-test-finished.js";
import { TEST_SEED } from "../support/seed.js";
import type { CheckingClient } from "./checking-client.js";
import { BUDGET_MS, FaultyWorld } from "./faulty-world.js";
import { drawFault } from "./random-fault.js";
import { SeededRandom } from "./seeded-random.js";

/** RANDOM_FAULTS_SEED repeats a run; RANDOM_FAULTS_ROUNDS makes it longer. */
const SEED = Number(process.env["RANDOM_FAULTS_SEED"] ?? TEST_SEED);
const ROUNDS = Number(process.env["RANDOM_FAULTS_ROUNDS"] ?? 6);
const CUSTOMERS = 24;
const CHANGES_IN_CALM = 20;
const PATIENCE_MS = 30_000;
const ROUND_TIMEOUT_MS = 2 * PATIENCE_MS;

/**
 * Rounds of faults that overlap while the catalog changes and 8 clients check, each followed by a calm. Of every
 * answer it is asked:
 *
 * - It is no failure, no fallback (all customers were known before the first fault), and within its budget.
 * - What it says was true at some time: of the limit and of the usage each by itself, for they are distinguished
 *   from each other; the entitlements of one list are all of one point in time.
 * - Unless it is marked as stale, that time is not before one that was acknowledged before its request began
 *   (see FactHistory): outside of a fault every change is waited for until it is, one by one.
 * - After the last fault of each round every answer becomes the catalog's: that is waited for, and told how long
 *   it took.
 */
it(
  `keeps its promises under random faults (RANDOM_FAULTS_SEED=${SEED}, RANDOM_FAULTS_ROUNDS=${ROUNDS})`,
  async () => {
    const random = new SeededRandom(SEED);
    const withEdge = random.fraction() < 0.6;
    const world = await FaultyWorld.open(CUSTOMERS, random.fork(), withEdge);
    onTestFinished(() => world.close());
    const { catalog, clients, violations } = world;
    for (const facts of catalog.customers) await clients[0]!.check(facts);
    expect(violations).toEqual([]);
    world.startChecking();

    const healedMs: number[] = [];
    const seenMs: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const faults = Array.from({ length: random.integer(1, 7) }, () => drawFault(random));
      const names = `seed ${SEED}, round ${round}: ${faults.map(({ name, startsAfterMs, lastsMs }) => `${name} from ${startsAfterMs} ms for ${lastsMs} ms`).join(", ")}`;
      await world.endure(faults, random.fork());
      healedMs.push(await timeOf(names, () => world.untilAcknowledged(() => catalog.unacknowledged, PATIENCE_MS)));
      const calm = random.fork();
      for (let change = 0; change < CHANGES_IN_CALM; change++) {
        const { limit, usage } = await catalog.change(calm);
        seenMs.push(await timeOf(names, () => world.untilAcknowledged(() => [limit, usage], PATIENCE_MS)));
      }
      because(names, () => expect(violations).toEqual([]));
    }
    await world.stopChecking();
    for (const facts of catalog.customers) await clients[0]!.check(facts);
    expect(violations).toEqual([]);
    expect(catalog.unacknowledged).toEqual([]);

    const total = (of: (client: CheckingClient) => number) => clients.reduce((sum, client) => sum + of(client), 0);
    const usage = catalog.customers.reduce((sum, { usage: { latest = 0 } }) => sum + latest, 0);
    const usageOfClients = usage - catalog.usageReported;
    because("usage that was counted of what clients were answered is", () =>
      expect(usageOfClients).toBeGreaterThanOrEqual(total(({ reportsCounted }) => reportsCounted)),
    );
    because("usage that was counted of what clients reported", () =>
      expect(usageOfClients).toBeLessThanOrEqual(total(({ reportsTried }) => reportsTried)),
    );
    const { answers } = world.sidecar.telemetry;
    process.stdout.write(
      [
        `seed ${SEED}, ${withEdge ? "Edge and API" : "API alone"}: ${ROUNDS} rounds, ${catalog.edits} edits, ${catalog.reports} reports of others, ${total(({ checks }) => checks)} checks`,
        `answers: ${JSON.stringify(answers)}; the slowest took ${Math.max(...clients.map(({ slowestMs }) => slowestMs)).toFixed(0)} ms of ${BUDGET_MS}`,
        `from the last fault until every answer is the catalog's: ${summary(healedMs)} (promised: 5000)`,
        `from a change outside a fault until a check of a client shows it: ${summary(seenMs)}`,
        "",
      ].join("\n"),
    );
  },
  ROUNDS * ROUND_TIMEOUT_MS,
);

async function timeOf(what: string, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  try {
    await work();
  } catch (error) {
    throw new Error(what, { cause: error });
  }
  return performance.now() - startedAt;
}

function summary(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  return `median ${sorted[Math.floor(sorted.length / 2)]?.toFixed(0) ?? "-"} ms, longest ${sorted.at(-1)?.toFixed(0) ?? "-"} ms`;
}
