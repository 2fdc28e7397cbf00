import { describe, expect, it } from "@jest/globals";
import { because } from "../support/expectations.js";
import { faultsOf } from "./outbox-accounts.js";
import { OutboxWorld } from "./outbox-world.js";

const STEPS = 120;
const RUNS = Number(process.env["OUTBOX_RUNS"] ?? 60);
const FIRST_SEED = Number(process.env["OUTBOX_SEED"] ?? 1);

describe("an outbox through kills, torn writes, full disks, changed files, lost answers, refusals, outages and steps of the clock", () => {
  it(`accounts for every report, seeds ${FIRST_SEED} to ${FIRST_SEED + RUNS - 1}`, async () => {
    let changes = 0;
    for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
      if (process.env["OUTBOX_VERBOSE"] !== undefined) process.stderr.write(`seed ${seed}\n`);
      const world = new OutboxWorld(seed);
      for (let i = 0; i < STEPS; i++) await world.step();
      await world.heal();
      because(`seed ${seed}`, () => expect(faultsOf(world)).toEqual([]));
      changes += world.changes;
    }
    expect(changes).toBeGreaterThan(RUNS / 10);
  }, 3_600_000);
});
