import { expect, it } from "@jest/globals";
import { Resilience } from "../../../../../src/adapters/upstream/resilience/resilience.js";
import { limitsForBudget } from "../../../../../src/adapters/upstream/vendor-upstream-limits.js";
import { CodedError } from "../../../../../src/domain/errors.js";
import { newTelemetry } from "../../../../../src/ports/telemetry.js";
import { Calls } from "../../../../fakes/controllable-upstream.js";
import { promisesSettled } from "../../../../fakes/event-loop.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../fakes/recording-logger.js";

it("counts a breaker as open only while it lets no call through: whoever waits for that is not the next to call", async () => {
  const clock = new ManualClock();
  const telemetry = newTelemetry();
  const limits = { ...limitsForBudget(1_000), failuresToOpen: 1, probeDelayMs: 1_000 };
  const resilience = new Resilience(limits, { clock, telemetry, logger: new RecordingLogger(), random: () => 0.5 });
  const probes = new Calls<string, undefined>();
  const breaker = resilience.breakerOf("the API", (signal) => probes.begin("probe", signal));
  const isOpen = () => telemetry.openBreakers.get("api");
  const probeComesBack = async (index: number) => {
    clock.advance(750);
    (await probes.at(index)).answer(undefined);
    await promisesSettled();
  };

  breaker.failed(new CodedError("unavailable", "down"), breaker.enter());
  expect(isOpen()).toBe(true);
  await probeComesBack(0);
  expect(isOpen()).toBe(false);
  breaker.failed(new CodedError("unavailable", "down again"), breaker.enter());
  expect(isOpen()).toBe(true);
  await probeComesBack(1);
  breaker.succeeded();
  expect(isOpen()).toBe(false);
});
