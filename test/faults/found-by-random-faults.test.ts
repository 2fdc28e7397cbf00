import { expect, it } from "@jest/globals";
import { onTestFinished } from "../support/on-test-finished.js";
import { FaultyWorld } from "./faulty-world.js";
import { SeededRandom } from "./seeded-random.js";

const PATIENCE_MS = 20_000;

async function worldOf(customers: number): Promise<FaultyWorld> {
  const world = await FaultyWorld.open(customers, new SeededRandom(1));
  onTestFinished(() => world.close());
  for (const facts of world.catalog.customers) await world.clients[0]!.check(facts);
  return world;
}

it("asks again, and denies nothing, where the list in an event is null", async () => {
  const world = await worldOf(1);
  world.startChecking();
  const off = world.upstream.faults.inject({ target: "events", kind: "null-list", change: "entitlements-updated" });
  world.catalog.edit(world.catalog.customers[0]!);
  await world.untilAcknowledged(() => world.catalog.unacknowledged, PATIENCE_MS);
  off();
  expect(world.violations).toEqual([]);
});

it("does not keep for good what a lagging Edge told while the API could not be asked after a gap", async () => {
  const world = await worldOf(1);
  const { faults, stats } = world.upstream.emulator;
  faults.inject({ target: "events", kind: "drop" });
  faults.inject({ target: "api", kind: "status", status: 503 });
  const catchUp = faults.lagEdge();
  world.catalog.edit(world.catalog.customers[0]!);
  const asked = stats.edge.requests;
  faults.resetSockets();
  await stats.until(({ edge }) => edge.requests > asked && edge.inFlight === 0);
  world.startChecking();
  faults.clear();
  catchUp();
  await world.untilAcknowledged(() => world.catalog.unacknowledged, PATIENCE_MS);
  expect(world.violations).toEqual([]);
});
