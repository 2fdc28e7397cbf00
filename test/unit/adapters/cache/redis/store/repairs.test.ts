import { expect, it } from "@jest/globals";
import { Repairs } from "../../../../../../src/adapters/cache/redis/store/repairs.js";
import { CodedError } from "../../../../../../src/domain/errors.js";
import { promisesSettled } from "../../../../../fakes/event-loop.js";
import { ManualClock } from "../../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../../fakes/recording-logger.js";

it("say that nothing is missing any more also where Redis got the last of it by other means", async () => {
  const [clock, logger] = [new ManualClock(), new RecordingLogger()];
  const unavailable = () => Promise.reject(new CodedError("unavailable", "no connection"));
  const repairs = new Repairs({
    clock,
    logger,
    repair: unavailable,
    probe: () => Promise.resolve(),
    markAllStale: unavailable,
  });
  const subject = { customerId: "acme", resourceId: undefined };
  repairs.add({ subject, kind: "write", since: 1 }, true);
  clock.advance(10_000);
  await promisesSettled();
  expect(logger.count("changes cannot be written to Redis")).toBe(1);
  repairs.settled(subject, 2);
  expect(logger.count("all changes that Redis had missed are written")).toBe(1);
  repairs.stop();
});
