/** As many as a client may have open, unless its limit was changed: more of them are hardly on their way. */
const MAX_REMEMBERED = 1_000;

/**
 * Streams that were ended here before their client had ended them. What it sends until it knows is no fault, and gets no
 * response (RFC 9113, section 5.1).
 */
export class ClosedStreams {
  #streams: Set<number> | undefined;

  add(stream: number): void {
    const streams = (this.#streams ??= new Set());
    const [oldest] = streams.size < MAX_REMEMBERED ? [] : streams;
    if (oldest !== undefined) streams.delete(oldest);
    streams.add(stream);
  }

  /**
   * Whether the stream is one of them, which is forgotten with its last frame.
   *
   * @param isEnd whether a frame came after which there is none to come on the stream
   */
  consumeIfClosed(stream: number, isEnd: boolean): boolean {
    if (this.#streams === undefined) return false;
    return isEnd ? this.#streams.delete(stream) : this.#streams.has(stream);
  }
}
