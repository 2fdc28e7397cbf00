import type { AnswerSender } from "./answer-sender.js";
import type { DataSender } from "./data-sender.js";
import type { NodeStreams } from "./node-streams.js";
import type { PeerSettings } from "./peer-settings.js";
import { ConnectionFault, ErrorCode, MAX_WINDOW } from "./protocol.js";
import type { Stream } from "./streams.js";

/** How much of answers the peer takes, on each stream and of all of them. What waits for a window goes on as it opens. */
export class AnswerWindows {
  readonly #peer: PeerSettings;
  readonly #data: DataSender;
  readonly #sender: AnswerSender;
  readonly #node: NodeStreams;

  constructor(peer: PeerSettings, data: DataSender, sender: AnswerSender, node: NodeStreams) {
    this.#peer = peer;
    this.#data = data;
    this.#sender = sender;
    this.#node = node;
  }

  /** @returns what is wrong, a code of ErrorCode; undefined where nothing is */
  open(stream: Stream, bytes: number): number | undefined {
    if (bytes === 0) return ErrorCode.ProtocolError;
    if (stream.sendWindow + bytes > MAX_WINDOW) return ErrorCode.FlowControlError;
    stream.sendWindow += bytes;
    if (!stream.isLane) this.#node.windowUpdate(stream, bytes);
    this.#resume(stream);
    return undefined;
  }

  /** @throws ConnectionFault where the window would be larger than any may be */
  openConnection(bytes: number): void {
    if (this.#data.window + bytes > MAX_WINDOW) throw tooLarge();
    this.#data.window += bytes;
    this.#sender.resumeAll();
    this.#node.resumeAll();
  }

  /**
   * The peer has said how much it takes on a stream that begins, and so how much more or less on those that have begun.
   *
   * @param before how much it was, bytes
   * @throws ConnectionFault where a window would be larger than any may be
   */
  initialChanged(streams: Iterable<Stream>, before: number): void {
    const change = this.#peer.initialWindow - before;
    if (change === 0) return;
    this.#node.initialWindowChanged();
    for (const stream of streams) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) throw tooLarge();
      if (change > 0) this.#resume(stream);
    }
  }

  #resume(stream: Stream): void {
    if (stream.isLane) this.#sender.resume(stream);
    else this.#node.resume(stream);
  }
}

function tooLarge(): ConnectionFault {
  return new ConnectionFault(ErrorCode.FlowControlError, "a window that is larger than any may be");
}
