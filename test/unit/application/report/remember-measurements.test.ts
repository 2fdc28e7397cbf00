import { expect, it } from "@jest/globals";
import { RememberMeasurements } from "../../../../src/application/report/remember-measurements.js";
import { buildCore, know } from "../../../builders/core.js";
import { usageMeasurement } from "../../../builders/reports.js";
import { metered, stateWith } from "../../../builders/states.js";

const subject = { customerId: "c" };

async function remembering() {
  const core = buildCore();
  await know(core, subject, stateWith([metered({ usage: { currentUsage: 8, updatedAt: 100 } })], { updatedAt: 100 }));
  const remember = new RememberMeasurements(core.cache, core.load, core.clock, core.logger);
  const used = () => core.cache.peek("c", undefined)?.state.featureUsage("seats").currentUsage;
  return { core, remember, used };
}

it("asks upstream for what it counts where it does not tell yet, and only there", async () => {
  const { core, remember, used } = await remembering();
  const other = { customerId: "other" };
  const done = remember.rememberOrAsk([
    usageMeasurement({ currentUsage: 10 }),
    usageMeasurement({ subject: other, currentUsage: undefined }),
  ]);
  const fetch = await core.upstream.fetches.at(1);
  expect([fetch.question.subject, used()]).toEqual([other, 10]);
  fetch.answer(stateWith([metered({ used: 3 })]));
  await done;
  expect(core.cache.peek("other", undefined)?.state.featureUsage("seats").currentUsage).toBe(3);
  expect(core.upstream.fetches.count).toBe(2);
});

it("never fails where upstream does not tell then either: what is known stays", async () => {
  const { core, remember, used } = await remembering();
  const done = remember.rememberOrAsk([usageMeasurement({ currentUsage: undefined })]);
  (await core.upstream.fetches.at(1)).fail();
  await expect(done).resolves.toBeUndefined();
  expect(used()).toBe(8);
});

it("lets what comes later replace a usage that upstream counts for a time yet to come", async () => {
  const { remember, used } = await remembering();
  await remember.remember([usageMeasurement({ currentUsage: 10, updatedAt: Date.UTC(9000, 0, 1) })]);
  await remember.remember([usageMeasurement({ currentUsage: 11, updatedAt: 101 })]);
  expect(used()).toBe(11);
});
