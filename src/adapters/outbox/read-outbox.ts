import { CodedError } from "../../domain/errors.js";
import { OutboxState } from "../../domain/outbox/outbox-state.js";
import { decodeKeys } from "./key-file.js";
import type { OutboxDisk } from "./outbox-disk.js";
import { decodeHeader, fileName, HEADER_BYTES, numbersOf } from "./outbox-file-header.js";
import { replayFile, type OnKey } from "./replay-file.js";

/** What the files of an outbox say. */
export interface OutboxContent {
  /** Undefined: there is no file yet. */
  readonly id: string | undefined;
  readonly state: OutboxState;
  /** The highest number that a file has. */
  readonly lastNumber: number;
  readonly checkpoint: number;
  /** Segments in use, with their sizes. */
  readonly segments: ReadonlyMap<number, number>;
  readonly damagedRecords: number;
  /** What an operator has to know of the files, as sentences. */
  readonly findings: readonly string[];
  /** Files whose end was still being written, with where they are whole. */
  readonly torn: ReadonlyMap<string, number>;
}

/**
 * Reads an outbox, also one that another process writes to. Changes nothing.
 *
 * @throws CodedError `failed-precondition` where a file is none of an outbox, or of another one
 */
export function readOutbox(disk: OutboxDisk, onKey: OnKey = () => undefined): OutboxContent {
  const names = disk.names();
  const state = new OutboxState();
  const findings: string[] = [];
  const torn = new Map<string, number>();
  const segments = new Map<number, number>();
  let id: string | undefined;
  let damagedRecords = 0;

  const checkpoint = numbersOf("checkpoint", names).at(-1) ?? 0;
  const numbers = numbersOf("segment", names).filter((number) => number > checkpoint);
  const keyNumbers = numbersOf("keys", names);
  for (const number of keyNumbers)
    readFile(fileName("keys", number), (bytes) => {
      if (!decodeKeys(bytes, onKey))
        findings.push(
          `${fileName("keys", number)} is damaged: reports that are sent again under a key in it may count twice`,
        );
    });
  if (checkpoint > 0)
    readFile(fileName("checkpoint", checkpoint), (bytes) => replay(fileName("checkpoint", checkpoint), bytes, 0));
  for (const number of numbers)
    readFile(fileName("segment", number), (bytes) => {
      segments.set(number, bytes.length);
      replay(fileName("segment", number), bytes, number);
    });
  const lastNumber = Math.max(0, checkpoint, numbers.at(-1) ?? 0, keyNumbers.at(-1) ?? 0);
  return { id, state, lastNumber, checkpoint, segments, damagedRecords, findings, torn };

  function readFile(name: string, use: (bytes: Buffer) => void): void {
    const bytes = disk.read(name);
    if (bytes === undefined) return;
    const found = decodeHeader(name, bytes);
    if (found === undefined) {
      torn.set(name, 0);
      return;
    }
    if (found === "") findings.push(`the header of ${name} is damaged; its records are read all the same`);
    else if (id !== undefined && id !== found)
      throw new CodedError(
        "failed-precondition",
        `${name} belongs to another outbox than the files beside it; give each sidecar a USAGE_OUTBOX_DIR of its own`,
      );
    else id = found;
    use(bytes);
  }

  function replay(name: string, bytes: Buffer, number: number): void {
    const { end, damaged } = replayFile(bytes, number, state, onKey);
    if (damaged > 0) {
      damagedRecords += damaged;
      findings.push(
        `${damaged} ${damaged === 1 ? "record" : "records"} of ${name} cannot be read (bits have changed): accepted reports may be among them; what waited at that place is delivered under its key, or listed as in doubt where it is too old for that`,
      );
    }
    if (end < bytes.length && bytes.length > HEADER_BYTES) torn.set(name, end);
  }
}
