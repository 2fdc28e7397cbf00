import { RefetchSubjects } from "../../../../src/application/consume/refetch-subjects.js";
import { WriteAvailability } from "../../../../src/application/consume/write-availability.js";
import { WriteInOrder } from "../../../../src/application/consume/write-in-order.js";
import type { SharedWrite } from "../../../../src/ports/shared-cache.js";
import type { ConsumptionTelemetry } from "../../../../src/ports/telemetry.js";
import type { UpstreamClient } from "../../../../src/ports/upstream-client.js";
import { metered, stateWith } from "../../../builders/states.js";
import { InMemorySharedCache } from "../../../fakes/in-memory-shared-cache.js";
import { ManualClock } from "../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../fakes/recording-logger.js";

export const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 400;
export const CONFIRM_AFTER_MS = [1_000, 5_000];

class CountingTelemetry implements ConsumptionTelemetry {
  writes = 0;
  failures = 0;
  refetchFailures = 0;

  stopwatch(): () => number {
    return () => 0;
  }

  wrote(): void {
    this.writes++;
  }

  writeFailed(): void {
    this.failures++;
  }

  handled(): void {}

  refetchFailed(): void {
    this.refetchFailures++;
  }

  rejected(): void {}
}

/** Everything between messages and the shared cache. */
export function consumption(
  cache = new InMemorySharedCache(),
  upstream: Pick<UpstreamClient, "fetchState"> = { fetchState: () => Promise.resolve(stateWith([metered()])) },
) {
  const clock = new ManualClock();
  const logger = new RecordingLogger();
  const telemetry = new CountingTelemetry();
  const timing = { firstDelayMs: FIRST_DELAY_MS, longestDelayMs: LONGEST_DELAY_MS };
  const gate = new WriteAvailability(cache, clock, logger, telemetry, timing);
  const writer = new WriteInOrder(cache, gate, telemetry, 3);
  const refetch = new RefetchSubjects(
    { upstream, cache, writer, gate, telemetry, clock, logger },
    { ...timing, maxConcurrent: 2, maxAttempts: 3, confirmAfterMs: CONFIRM_AFTER_MS, maxUnconfirmed: 3 },
  );
  return { cache, clock, logger, telemetry, gate, writer, refetch };
}

export function writeOf(customerId: string, limit = 10): SharedWrite {
  return {
    change: {
      type: "entitlements-updated",
      subject: { customerId },
      state: stateWith([metered({ usageLimit: limit })], { updatedAt: limit }),
    },
    at: limit,
    onlyIfCached: false,
  };
}

/** Whose changes went in each round trip. */
export function customersIn({ trips }: InMemorySharedCache): string[][] {
  return trips.map((writes) => writes.map(({ change }) => change.subject.customerId));
}
