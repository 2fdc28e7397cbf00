import { performance } from "node:perf_hooks";
import { setImmediate as yieldToOthers } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import type { Subject } from "../../../src/domain/subject.js";
import { type RedisServer, startRedis } from "../../builders/redis-servers.js";
import { RedisStore } from "../../builders/redis-store.js";
import { SeededRandom } from "../../faults/seeded-random.js";
import { eventually } from "../../support/expectations.js";
import { TEST_SEED } from "../../support/seed.js";
import { Sidecar, Writer } from "./coherence-actors.js";

const SEED = Number(process.env["REDIS_COHERENCE_SEED"] ?? TEST_SEED);
const STEPS = Number(process.env["REDIS_COHERENCE_STEPS"] ?? 50_000);
const SIDECARS = 4;
/** Checks that one sidecar has in hand at the same time. */
const CHECKS_AT_ONCE = 3;
const WRITES_SHARE = 0.2;
const CUT_SHARE = 0.0005;

const SUBJECTS: readonly Subject[] = Array.from({ length: 10 }, (_, i) => `customer-${i}`).flatMap((customerId) => [
  { customerId },
  { customerId, resourceId: "site" },
]);

describe(`${SIDECARS} sidecars on one Redis, while another process writes to it`, () => {
  const random = new SeededRandom(SEED);
  let server: RedisServer;
  let writerStore: RedisStore;
  let writer: Writer;
  let sidecars: readonly Sidecar[];

  beforeAll(async () => {
    server = await startRedis();
    writerStore = new RedisStore({
      target: { kind: "server", host: server.host, port: server.port, db: 0 },
      environment: "coherence",
    });
    await writerStore.ready();
    writer = new Writer(writerStore, random.fork());
    sidecars = await Promise.all(Array.from({ length: SIDECARS }, () => Sidecar.open(server, "coherence")));
  });
  afterAll(async () => {
    await Promise.all([writerStore.close(), ...sidecars.map((sidecar) => sidecar.close())]);
    await server.stop();
  });

  it(`answer never older than before, and agree in the end (REDIS_COHERENCE_SEED=${SEED}, REDIS_COHERENCE_STEPS=${STEPS})`, async () => {
    let stepsLeft = STEPS;
    const write = async (choice: SeededRandom) => {
      for (; stepsLeft > 0; stepsLeft--) {
        await writer.write(choice.oneOf(SUBJECTS));
        // The others take the steps in between.
        for (let pause = 1 / WRITES_SHARE; pause > 1; pause--) await yieldToOthers();
      }
    };
    const check = async (sidecar: Sidecar, choice: SeededRandom) => {
      for (; stepsLeft > 0; stepsLeft--) {
        if (choice.fraction() < CUT_SHARE) sidecar.cut(choice);
        await sidecar.answer(choice.oneOf(SUBJECTS));
        await yieldToOthers();
      }
    };
    await Promise.all([
      write(random.fork()),
      ...sidecars.flatMap((sidecar) => Array.from({ length: CHECKS_AT_ONCE }, () => check(sidecar, random.fork()))),
    ]);

    await Promise.all(sidecars.map(({ redis }) => redis.ready()));
    await writer.write(random.oneOf(SUBJECTS));
    const lastWriteAt = performance.now();
    await eventually(async () => (await disagreements()).length, { timeout: 20_000, interval: 1 }).toBe(0);
    const agreedAfterMs = performance.now() - lastWriteAt;
    process.stdout.write(
      `seed ${SEED}: all agree ${agreedAfterMs.toFixed(1)} ms after the last write; ${JSON.stringify(sidecars.map(({ counts }) => counts))}\n`,
    );
    for (const { counts } of sidecars) expect(counts.findCached).toBeGreaterThan(counts.read / 10);
  }, 180_000);

  async function disagreements(): Promise<readonly Subject[]> {
    const wrong: Subject[] = [];
    for (const subject of SUBJECTS) {
      const version = writer.written(subject);
      for (const sidecar of sidecars) if (!(await sidecar.agreesOn(subject, version))) wrong.push(subject);
    }
    return wrong;
  }
});
