import { crc32 } from "node:zlib";
import { CodedError } from "../../domain/errors.js";
import type { LedgerRecord } from "./ledger-record.js";

/**
 * A state file is lines of "checksum JSON": a header, then records, each of which is what one request changed.
 * It grows at its end. A last line without its newline was being written when the machine stopped and was never
 * acknowledged, so it is left out; anything else that is not as it was written makes the file unfit to serve.
 */
const FORMAT = "entitlement-sidecar usage";
const VERSION = 1;

interface Header {
  readonly format: string;
  readonly version: number;
}

export const STATE_FILE_HEADER = encodeLine({ format: FORMAT, version: VERSION } satisfies Header);

export function encodeRecord(record: LedgerRecord): string {
  return encodeLine(record);
}

/**
 * The records of a state file, in order.
 *
 * @throws CodedError `failed-precondition` with line and remedy where it is damaged or of another kind
 */
export function* decodeStateFile(file: string, content: string): Iterable<LedgerRecord> {
  let lineNumber = 0;
  for (let start = 0; start < content.length; ) {
    const end = content.indexOf("\n", start);
    lineNumber++;
    if (end === -1) {
      if (lineNumber === 1) throw unfit(file, lineNumber, "is not a usage state file");
      return;
    }
    const value = decodeLine(content.slice(start, end));
    if (lineNumber === 1) checkHeader(file, value as Partial<Header> | undefined);
    else if (value === undefined) throw unfit(file, lineNumber, "is damaged: a checksum does not fit");
    else yield value as LedgerRecord;
    start = end + 1;
  }
}

function checkHeader(file: string, header: Partial<Header> | undefined): void {
  if (header?.format !== FORMAT) throw unfit(file, 1, "is not a usage state file");
  if (header.version !== VERSION) throw unfit(file, 1, `is of version ${String(header.version)}, and this program reads version ${VERSION}`);
}

function encodeLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${checksum(json)} ${json}\n`;
}

function decodeLine(line: string): unknown {
  const json = line.slice(9);
  return line[8] === " " && line.slice(0, 8) === checksum(json) ? JSON.parse(json) : undefined;
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

function unfit(file: string, line: number, why: string): CodedError {
  return new CodedError(
    "failed-precondition",
    `the state file ${file}:${line} ${why}; restore it from a copy, or remove it to begin counting from what the catalog says`,
  );
}
