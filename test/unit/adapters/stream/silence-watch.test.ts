import { describe, expect, it } from "@jest/globals";
import { SilenceWatch } from "../../../../src/adapters/stream/subscribed-connection.js";
import { ManualClock } from "../../../fakes/manual-clock.js";

const INTERVAL_MS = 5_000;

function watching() {
  const clock = new ManualClock();
  const events: string[] = [];
  const watch = new SilenceWatch(
    INTERVAL_MS,
    clock,
    () => events.push("ping"),
    () => events.push("silence"),
  );
  watch.start();
  return { clock, events, watch };
}

describe("a peer", () => {
  it("of which nothing is heard is pinged twice and then given up, within 15 s", () => {
    const { clock, events } = watching();
    clock.advance(15_000);
    expect(events).toEqual(["ping", "ping", "silence"]);
    clock.advance(60_000);
    expect(events).toHaveLength(3);
  });

  it("of which something is heard now and then is kept", () => {
    const { clock, events, watch } = watching();
    for (let i = 0; i < 20; i++) {
      clock.advance(INTERVAL_MS);
      if (i % 2 === 1) watch.heard();
    }
    expect(events).toEqual(Array.from({ length: 20 }, () => "ping"));
  });

  it("is left alone once the watch is over", () => {
    const { clock, events, watch } = watching();
    watch.stop();
    clock.advance(60_000);
    expect(events).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});
