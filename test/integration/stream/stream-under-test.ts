import { DEFAULT_STREAM_TIMING, type StreamTiming } from "../../../src/adapters/stream/reconnect-schedule.js";
import { createWebSocketUpdateStream } from "../../../src/adapters/stream/websocket-update-stream.js";
import type { Clock } from "../../../src/ports/clock.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { RecordingListener } from "../../fakes/recording-listener.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";
import { StreamServer } from "./stream-server.js";

/** Real sockets, and time that only the test moves: what waits for a time waits for the test. */
export async function streamUnderTest(timing: Partial<StreamTiming> = {}, clock: ManualClock = new ManualClock()) {
  const server = new StreamServer();
  await server.start();
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  const listener = new RecordingListener();
  const stream = createWebSocketUpdateStream(
    {
      identity: { apiKey: "server-key", source: "TEST", instanceId: "1234", startedAt: 0 },
      wsUrl: server.url,
      // What settles, settles by the pong: there is nothing that a test would wait for.
      timing: { settleMs: 0, ...timing },
    },
    { clock: settlingAtOnce(clock), logger, telemetry, random: () => 0.5 },
  );
  const { pingIntervalMs, acknowledgeTimeoutMs, maxDelays } = DEFAULT_STREAM_TIMING;
  /** Lets time and sockets move on, time slowly enough for the sockets to keep up, until something is so. */
  async function passTimeUntil(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      clock.advance(STEP_MS);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return {
    server,
    clock,
    logger,
    telemetry,
    listener,
    stream,
    passTimeUntil,
    pingIntervalMs,
    acknowledgeTimeoutMs,
    maxDelays,
  };
}

const STEP_MS = 20;

/** A wait of no time is over at once, without the test moving the clock. */
function settlingAtOnce(clock: ManualClock): Clock {
  return {
    now: () => clock.now(),
    elapsed: () => clock.elapsed(),
    after(delayMs, callback) {
      if (delayMs > 0) return clock.after(delayMs, callback);
      const immediate = setImmediate(callback);
      return () => clearImmediate(immediate);
    },
  };
}
