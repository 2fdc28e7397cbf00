import { crc32 } from "node:zlib";
import { CodedError } from "../../domain/errors.js";

/** What the names of the files end with: records; all that those up to a number came to; the keys of those. */
export const FILE_KINDS = ["segment", "checkpoint", "keys"] as const;
export type FileKind = (typeof FILE_KINDS)[number];

const MAGIC = "USAGEBOX";
const VERSION = 1;
const ID_BYTES = 36;
export const HEADER_BYTES = MAGIC.length + 4 + ID_BYTES + 4;

/** The name of the file with this number. */
export function fileName(kind: FileKind, number: number): string {
  return `${String(number).padStart(10, "0")}.${kind}`;
}

/** The numbers of all files of a kind, ascending. */
export function numbersOf(kind: FileKind, names: readonly string[]): number[] {
  return names
    .map((name) => new RegExp(`^(\\d{10})\\.${kind}$`).exec(name)?.[1])
    .filter((number) => number !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
}

/** @param outboxId a UUID */
export function encodeHeader(outboxId: string): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, 0, "latin1");
  header.writeUInt32LE(VERSION, MAGIC.length);
  header.write(outboxId, MAGIC.length + 4, "latin1");
  header.writeUInt32LE(crc32(header.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return header;
}

/**
 * @returns the id of the outbox that the file is of; undefined where its writer did not get to the end of the header
 * @throws CodedError `failed-precondition` where the file is no outbox's, or one of a later version
 */
export function decodeHeader(name: string, bytes: Buffer): string | undefined {
  if (bytes.length < HEADER_BYTES) return undefined;
  if (bytes.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    if (bytes.subarray(0, HEADER_BYTES).every((byte) => byte === 0)) return undefined;
    throw new CodedError(
      "failed-precondition",
      `${name} is not a file of an outbox; give USAGE_OUTBOX_DIR a directory of its own`,
    );
  }
  const version = bytes.readUInt32LE(MAGIC.length);
  if (crc32(bytes.subarray(0, HEADER_BYTES - 4)) !== bytes.readUInt32LE(HEADER_BYTES - 4)) return "";
  if (version !== VERSION)
    throw new CodedError(
      "failed-precondition",
      `${name} is of version ${version}, and this release reads version ${VERSION}: use the release that wrote it, or a later one`,
    );
  return bytes.toString("latin1", MAGIC.length + 4, MAGIC.length + 4 + ID_BYTES);
}
