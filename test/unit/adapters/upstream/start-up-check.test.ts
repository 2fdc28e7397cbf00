import { describe, expect, it } from "@jest/globals";
import { StartUpCheck } from "../../../../src/adapters/upstream/start-up-check.js";
import { CodedError } from "../../../../src/domain/errors.js";
import { DependencyState, newTelemetry } from "../../../../src/ports/telemetry.js";
import { Calls } from "../../../fakes/controllable-upstream.js";
import { promisesSettled } from "../../../fakes/event-loop.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

function checking() {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  const [edge, api] = (["edge", "api"] as const).map((name) => new DependencyState(name, telemetry.dependencies));
  const probes = new Calls<string, undefined>();
  const check = new StartUpCheck(
    {
      name: "Edge at https://edge.example",
      target: "edge",
      probe: (signal) => probes.begin("probe", signal),
      firstDelayMs: 1_000,
      longestDelayMs: 30_000,
      random: () => 1,
    },
    clock,
    logger,
    telemetry,
  );
  check.start();
  const fail = async (index: number, code: "unavailable" | "unauthenticated") => {
    (await probes.at(index)).fail(new CodedError(code, code));
    await promisesSettled();
  };
  return { clock, logger, telemetry, edge, api, probes, check, fail };
}

describe("the check at the start", () => {
  it("says nothing where upstream is there", async () => {
    const { clock, logger, telemetry, probes } = checking();
    (await probes.at(0)).answer(undefined);
    await promisesSettled();
    expect(logger.lines).toEqual([]);
    expect(telemetry.initializationErrors).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });

  it("counts each failure, tells of each kind once, goes on ever more slowly, and tells when it is over", async () => {
    const { clock, logger, telemetry, probes, fail } = checking();
    const waits: number[] = [];
    for (let i = 0; i < 7; i++) {
      await fail(i, i < 5 ? "unavailable" : "unauthenticated");
      const before = clock.now();
      while (probes.count === i + 1) clock.advance(500);
      waits.push(clock.now() - before);
    }
    (await probes.at(7)).answer(undefined);
    await promisesSettled();
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    expect(telemetry.initializationErrors).toBe(7);
    expect(logger.lines.map(({ level, message }) => [level, message])).toEqual([
      ["warn", expect.stringContaining("did not answer")],
      ["error", expect.stringContaining("correct SERVER_API_KEY")],
      ["error", expect.stringContaining("is reached now")],
    ]);
  });

  it("shows at once whether whom it asks is there, and says nothing of others", async () => {
    const { clock, edge, api, probes, fail } = checking();
    await fail(0, "unavailable");
    expect(edge).toMatchObject({ isUp: false, isKnown: true, lastError: expect.stringContaining("did not answer") });
    clock.advance(1_000);
    await fail(1, "unauthenticated");
    expect(edge?.isUp).toBe(true);
    clock.advance(2_000);
    await fail(2, "unavailable");
    expect(edge?.isUp).toBe(false);
    clock.advance(4_000);
    (await probes.at(3)).answer(undefined);
    await promisesSettled();
    expect(edge?.isUp).toBe(true);
    expect(api?.isKnown).toBe(false);
  });

  it("ends when it is stopped", async () => {
    const { check, clock, probes, fail, telemetry } = checking();
    await fail(0, "unavailable");
    check.stop();
    clock.advance(60_000);
    expect(probes.count).toBe(1);
    expect(telemetry.initializationErrors).toBe(1);
  });

  it("takes being stopped within a try for no failure", async () => {
    const { check, clock, probes, telemetry } = checking();
    await probes.at(0);
    check.stop();
    await promisesSettled();
    expect(telemetry.initializationErrors).toBe(0);
    expect(clock.pendingTimers).toBe(0);
  });
});
