import { expect, test } from "@jest/globals";
import { emptyState } from "../builders/states.js";
import { ControllableUpstream } from "../fakes/controllable-upstream.js";
import { ManualClock } from "../fakes/manual-clock.js";
import { data, END_STREAM, grpcFields, headers, reset } from "../integration/http2/http2-frames.js";
import { Http2Peer } from "../integration/http2/http2-peer.js";
import { eventually } from "../support/expectations.js";
import { CHECK } from "./harness/malformed-calls.js";
import { CHECK_PATH, frame } from "./harness/raw-http2.js";
import { startRpcServer } from "./harness/rpc-server.js";

const CALLS = 50;

/** Calls that wait for upstream, each with a deadline of its own. */
function callAndWait(peer: Http2Peer): number[] {
  return Array.from({ length: CALLS }, () => {
    const stream = peer.next();
    peer.write(
      headers(stream, [...grpcFields(CHECK_PATH), ["grpc-timeout", "20S"]]),
      data(stream, frame(CHECK), END_STREAM),
    );
    return stream;
  });
}

test.each<[string, (peer: Http2Peer, streams: readonly number[]) => void]>([
  ["cancel their calls", (peer, streams) => peer.write(...streams.map((stream) => reset(stream)))],
  ["end their connection", (peer) => peer.client.socket.end()],
  ["lose their connection", (peer) => peer.client.socket.resetAndDestroy()],
])("callers that %s hold nothing any more, and others get what upstream says", async (_, leave) => {
  const upstream = new ControllableUpstream();
  const clock = new ManualClock();
  const server = await startRpcServer({ upstream, clock });
  const other = await Http2Peer.open(server.port);
  const patient = other.call(CHECK_PATH, frame(CHECK));
  const fetch = await upstream.fetches.at(0);
  await eventually(() => clock.pendingTimers).toBeGreaterThan(0);
  const before = clock.pendingTimers;
  const peer = await Http2Peer.open(server.port);
  const streams = callAndWait(peer);
  await peer.caughtUp();
  await eventually(() => server.callsInFlight()).toBe(1 + CALLS);
  // One timer for the deadlines of all, for as long as there is one of them.
  expect(clock.pendingTimers).toBeGreaterThan(before);
  leave(peer, streams);
  await eventually(() => server.callsInFlight()).toBe(1);
  await eventually(() => clock.pendingTimers).toBe(before);
  fetch.answer(emptyState("CustomerNotFound"));
  await other.untilOver(patient);
  expect(other.on(patient).blocks[1]).toMatchObject({ "grpc-status": "0" });
  expect(server.logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  peer.destroy();
  other.destroy();
  await server.stop();
});
