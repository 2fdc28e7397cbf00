import { crc32 } from "node:zlib";
import { CodedError } from "../../../domain/errors.js";
import type { LedgerRecord } from "./ledger-record.js";

/**
 * A state file is lines of text. The first says what the file is. The next two say up to where it is safe, and whether
 * it was closed; they are written in place and in turn, so that one that is cut off by a power cut leaves the other.
 * Then come records, "checksum length JSON", each of which is what one request changed. A record's checksum goes on
 * from that of the one before it, so that none can be missing in between.
 *
 * What lies before the stated end was acknowledged: where any of it is not as it was written, the file is unfit to
 * serve. What lies behind it was being written when the machine stopped. It is kept as far as it is complete, since
 * the stated end can be a write behind after a power cut. A closed file has nothing behind it.
 */
export const FORMAT = "entitlement-sidecar usage";
const VERSION = 2;
const FIRST_RECORD_LINE = 4;

export interface Header {
  readonly format: string;
  readonly version: number;
}

/** Where the records that are safe end. */
export interface StateFileEnd {
  readonly isClosed: boolean;
  /** How often the end was stated; the higher of two counts. */
  readonly statements: number;
  readonly records: number;
  /** The file's length up to there. */
  readonly bytes: number;
  /** The last record's checksum. */
  readonly chain: number;
}

const HEADER = Buffer.from(checkedLine(JSON.stringify({ format: FORMAT, version: VERSION } satisfies Header)));
const END_LENGTH = endLine({ isClosed: false, statements: 0, records: 0, bytes: 0, chain: 0 }).length;

/** The end of a file without records. */
export const FIRST_END: StateFileEnd = {
  isClosed: false,
  statements: 0,
  records: 0,
  bytes: HEADER.length + 2 * END_LENGTH,
  chain: crc32(HEADER),
};

/** The first three lines of a new file. */
export function encodeStart(): Buffer {
  return Buffer.concat([HEADER, endLine(FIRST_END), endLine(FIRST_END)]);
}

/** The line that states an end, and where it is written: in turn in either place. */
export function encodeEnd(end: StateFileEnd): { readonly line: Buffer; readonly position: number } {
  return { line: endLine(end), position: HEADER.length + (end.statements % 2) * END_LENGTH };
}

/** Always of one length. */
function endLine({ isClosed, statements, records, bytes, chain }: StateFileEnd): Buffer {
  const padded = (value: number) => String(value).padStart(16);
  return Buffer.from(
    checkedLine(
      `{"closed":${String(isClosed).padStart(5)},"statements":${padded(statements)},"records":${padded(records)},"bytes":${padded(bytes)},"chain":${padded(chain)}}`,
    ),
  );
}

export interface EncodedRecords {
  readonly lines: Buffer;
  /** Where the file ends after them. */
  readonly end: StateFileEnd;
}

/** @param end where the file ends before them */
export function encodeRecords(records: Iterable<LedgerRecord>, end: StateFileEnd): EncodedRecords {
  const lines: Buffer[] = [];
  let { chain, bytes } = end;
  let count = end.records;
  for (const record of records) {
    const json = JSON.stringify(record);
    const framed = `${Buffer.byteLength(json)} ${json}`;
    chain = crc32(framed, chain);
    const line = Buffer.from(`${hex(chain)} ${framed}\n`);
    lines.push(line);
    bytes += line.length;
    count++;
  }
  return {
    lines: Buffer.concat(lines),
    end: { isClosed: false, statements: end.statements + 1, records: count, bytes, chain },
  };
}

export interface DecodedStateFile {
  readonly records: readonly LedgerRecord[];
  /** What has to be said at warn; undefined: the file is complete. */
  readonly warning: string | undefined;
}

/**
 * Reads a state file of this version.
 *
 * @throws CodedError `failed-precondition` with place and remedy where what was acknowledged is missing or damaged
 */
export function decodeStateFile(file: string, content: Buffer): DecodedStateFile {
  const stated = decodeEnds(file, content);
  const records: LedgerRecord[] = [];
  let { bytes: position, chain } = FIRST_END;
  for (;;) {
    if (position === stated.bytes && (records.length !== stated.records || chain !== stated.chain))
      throw damaged(file, records.length);
    const read = position < content.length ? decodeRecord(content, position, chain) : undefined;
    if (read === undefined) break;
    if (position < stated.bytes && read.end > stated.bytes) throw damaged(file, records.length);
    records.push(read.record);
    position = read.end;
    chain = read.chain;
  }
  if (position < stated.bytes) {
    if (content.length >= stated.bytes) throw damaged(file, records.length);
    const missing = stated.records - records.length;
    throw unfit(
      file,
      records.length + FIRST_RECORD_LINE,
      `is cut short: ${content.length} of ${stated.bytes} bytes and ${records.length} of ${stated.records} records are there, ${missing} that were acknowledged are missing`,
    );
  }
  const unread = content.length - position;
  if (stated.isClosed && content.length > stated.bytes)
    throw unfit(
      file,
      stated.records + FIRST_RECORD_LINE,
      `has ${content.length - stated.bytes} bytes behind its end that it was closed without`,
    );
  return {
    records,
    warning: stated.warning ?? (stated.isClosed ? undefined : notClosed(file, records.length, unread)),
  };
}

/** Line 1 is checked before, by `versionOf`. */
export function versionOf(file: string, content: Buffer): 1 | 2 {
  const end = content.indexOf("\n");
  const header = end === -1 ? undefined : (decodeLine(content.toString("utf8", 0, end)) as Partial<Header> | undefined);
  if (header?.format !== FORMAT) throw unfit(file, 1, "is not a usage state file");
  if (header.version !== 1 && header.version !== VERSION)
    throw unfit(file, 1, `is of version ${String(header.version)}, and this program reads versions 1 and ${VERSION}`);
  return header.version;
}

/** "checksum JSON" without its newline; undefined where the checksum does not fit. */
export function decodeLine(line: string): unknown {
  const json = line.slice(9);
  return line[8] === " " && line.slice(0, 8) === hex(crc32(json)) ? JSON.parse(json) : undefined;
}

export function unfit(file: string, line: number, why: string): CodedError {
  return new CodedError(
    "failed-precondition",
    `the state file ${file}:${line} ${why}; restore it from a copy, or remove it to begin counting from what the catalog says`,
  );
}

function damaged(file: string, recordsBefore: number): CodedError {
  return unfit(file, recordsBefore + FIRST_RECORD_LINE, "is damaged: a checksum does not fit");
}

function notClosed(file: string, records: number, unread: number): string {
  const cut = unread === 0 ? "" : `; ${unread} bytes of a write that was never acknowledged are left out`;
  return `the state file ${file} was not closed: the process before this one was killed, or the machine stopped. All ${records} records that it acknowledged are there${cut}`;
}

function decodeEnds(file: string, content: Buffer): StateFileEnd & { readonly warning?: string } {
  if (content.length < FIRST_END.bytes) throw unfit(file, 2, "is cut short within its first lines");
  const ends = [0, 1].map((place) =>
    decodeEnd(content.subarray(HEADER.length + place * END_LENGTH, HEADER.length + (place + 1) * END_LENGTH)),
  );
  const [latest] = ends.filter((end) => end !== undefined).sort((a, b) => b.statements - a.statements);
  if (latest === undefined) throw unfit(file, 2, "is damaged: a checksum does not fit");
  if (!ends.includes(undefined)) return latest;
  return {
    ...latest,
    warning: `the state file ${file} is damaged in line ${ends.indexOf(undefined) + 2}, one of two that say where it ends; it is read as far as the other one and its checksums vouch for it: compare the usage with a copy where there is one`,
  };
}

function decodeEnd(line: Buffer): StateFileEnd | undefined {
  if (line.at(-1) !== 0x0a) return undefined;
  const end = decodeLine(line.toString("utf8", 0, line.length - 1)) as
    (Omit<StateFileEnd, "isClosed"> & { readonly closed: boolean }) | undefined;
  return end === undefined ? undefined : { ...end, isClosed: end.closed };
}

/** Checksum and length before the JSON take no more, bytes. */
const MAX_FRAME = 32;

function decodeRecord(
  content: Buffer,
  position: number,
  chain: number,
): { readonly record: LedgerRecord; readonly end: number; readonly chain: number } | undefined {
  const frame = /^([0-9a-f]{8}) (\d{1,10}) /.exec(content.toString("latin1", position, position + MAX_FRAME));
  if (frame === null) return undefined;
  const start = position + frame[0].length;
  const end = start + Number(frame[2]);
  if (end >= content.length || content[end] !== 0x0a) return undefined;
  const next = crc32(content.subarray(position + 9, end), chain);
  if (hex(next) !== frame[1]) return undefined;
  return { record: JSON.parse(content.toString("utf8", start, end)) as LedgerRecord, end: end + 1, chain: next };
}

function checkedLine(json: string): string {
  return `${hex(crc32(json))} ${json}\n`;
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, "0");
}
