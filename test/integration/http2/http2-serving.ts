import { expect } from "@jest/globals";
import { type Listening, startListening } from "../listener/listening.js";
import { answerPattern, PATHS, pattern, PatternFastPath } from "./http2-answering.js";
import type { Http2Peer } from "./http2-peer.js";

/** A port where both paths answer. */
export function startServing(options: Parameters<typeof startListening>[0] = {}): Promise<Listening> {
  return startListening({ onExchange: answerPattern, fastPath: new PatternFastPath(), ...options });
}

/** Still answers, by either. */
export async function expectServing(peer: Http2Peer): Promise<void> {
  const streams = PATHS.map((path) => peer.call(`/${path}/7`));
  await peer.untilOver(...streams);
  expect(streams.map((stream) => peer.bodyOf(stream))).toEqual([pattern(7), pattern(7)]);
}
