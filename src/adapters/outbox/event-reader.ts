import { CodedError } from "../../domain/errors.js";
import type { QueuedEvent } from "../../domain/outbox/event-queue.js";
import type { AcceptedEvent, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import { fileName } from "./outbox-file-header.js";
import { POSITION_BASE } from "./outbox-log.js";
import { FRAME_BYTES, isWholeFrame, MAX_PAYLOAD_BYTES } from "./record-buffer.js";
import { decodeRecord } from "./record-codec.js";

/** Reads a part of the segment with this number. */
export type ReadSegment = (number: number, position: number, length: number) => Buffer;

/** Reads events from where they were accepted: they wait on disk, and not in memory. */
export class EventReader {
  readonly #read: ReadSegment;

  constructor(read: ReadSegment) {
    this.#read = read;
  }

  /** @throws CodedError `internal` where one cannot be read */
  read(events: readonly QueuedEvent[]): readonly AcceptedEvent[] {
    const records = new Map<number, OutboxRecord>();
    return events.map(({ id, position, event }) => {
      if (event !== undefined) return event;
      let record = records.get(position);
      if (record === undefined) records.set(position, (record = this.#recordAt(position)));
      const found = record.type === "events-accepted" ? record.events[id - record.firstId] : undefined;
      if (found === undefined) throw new CodedError("internal", `event ${id} is not where the outbox has it`);
      return found;
    });
  }

  #recordAt(position: number): OutboxRecord {
    const number = Math.floor(position / POSITION_BASE);
    const offset = position % POSITION_BASE;
    try {
      const length = this.#read(number, offset, 4).readUInt32LE(0);
      if (length > MAX_PAYLOAD_BYTES) throw new Error("its length is damaged");
      const frame = this.#read(number, offset, FRAME_BYTES + length);
      if (!isWholeFrame(frame)) throw new Error("its checksum is another one");
      return decodeRecord(frame, FRAME_BYTES, frame.length);
    } catch (error) {
      throw new CodedError("internal", `events at ${offset} of ${fileName("segment", number)} cannot be read`, {
        cause: error,
      });
    }
  }
}
