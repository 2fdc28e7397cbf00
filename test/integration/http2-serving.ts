import { expect } from "vitest";
import { answerPattern, pattern, PatternLane, WHO } from "./http2-answering.js";
import type { Http2Peer } from "./http2-peer.js";
import { startListening, type Listening } from "./one-port-listening.js";

/** A port where both the lane and Node answer. */
export function startServing(options: Parameters<typeof startListening>[0] = {}): Promise<Listening> {
  return startListening({ onRequest: answerPattern, lane: new PatternLane(), ...options });
}

/** Still answers, by either. */
export async function expectServing(peer: Http2Peer): Promise<void> {
  const streams = WHO.map((who) => peer.call(`/${who}/7`));
  await peer.untilOver(...streams);
  expect(streams.map((stream) => peer.bodyOf(stream))).toEqual([pattern(7), pattern(7)]);
}
