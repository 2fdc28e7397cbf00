import { CodedError } from "../../domain/errors.js";
import type { QueuedEvent } from "../../domain/outbox/event-queue.js";
import type { AcceptedEvent, OutboxRecord } from "../../domain/outbox/outbox-record.js";
import type { OutboxDisk } from "./outbox-disk.js";
import { fileName } from "./outbox-file-header.js";
import { POSITION_BASE } from "./outbox-log.js";
import { FRAME_BYTES } from "./record-buffer.js";
import { decodeRecord } from "./record-codec.js";

/** Reads events from where they were accepted: they wait on disk, and not in memory. */
export class EventReader {
  readonly #disk: OutboxDisk;

  constructor(disk: OutboxDisk) {
    this.#disk = disk;
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
    const name = fileName("segment", Math.floor(position / POSITION_BASE));
    const offset = position % POSITION_BASE;
    try {
      const length = this.#disk.readAt(name, offset, 4).readUInt32LE(0);
      const payload = this.#disk.readAt(name, offset + FRAME_BYTES, length);
      return decodeRecord(payload, 0, payload.length);
    } catch (error) {
      throw new CodedError("internal", `events at ${offset} of ${name} cannot be read`, { cause: error });
    }
  }
}
