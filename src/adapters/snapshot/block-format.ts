import { crc32 } from "node:zlib";

/** How a block begins: a name that no text has, and the version of the format. */
const MAGIC = Buffer.from([0xe5, ...Buffer.from("SNAP"), 0x00, 0x01, 0x0a]);
/** Without the version. */
const NAME_BYTES = 6;

/**
 * A block's head: its beginning (8 bytes), of which environment its states are (8), how long it is (4), the checksum of
 * what is in it (4), how many blocks of the file are before it (4), and the checksum of the head so far (4).
 */
export const HEAD_BYTES = 32;
const OF_ENVIRONMENT = 8;
const LENGTH = 16;
const CHECKSUM = 20;
const INDEX = 24;
const HEAD_CHECKSUM = 28;
const MAX_LENGTH = 1 << 30;

export interface BlockHead {
  readonly environment: Buffer;
  readonly length: number;
  readonly checksum: number;
  readonly index: number;
}

export function blockOf(environment: Buffer, index: number, content: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MAGIC.copy(head);
  environment.copy(head, OF_ENVIRONMENT, 0, LENGTH - OF_ENVIRONMENT);
  head.writeUInt32LE(content.length, LENGTH);
  head.writeUInt32LE(crc32(content), CHECKSUM);
  head.writeUInt32LE(index, INDEX);
  head.writeUInt32LE(crc32(head.subarray(0, HEAD_CHECKSUM)), HEAD_CHECKSUM);
  return Buffer.concat([head, content]);
}

/** @returns undefined where no sound head begins there */
export function headAt(bytes: Buffer, at: number): BlockHead | undefined {
  const head = bytes.subarray(at, at + HEAD_BYTES);
  if (head.length < HEAD_BYTES || !head.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (crc32(head.subarray(0, HEAD_CHECKSUM)) !== head.readUInt32LE(HEAD_CHECKSUM)) return undefined;
  const length = head.readUInt32LE(LENGTH);
  if (length > MAX_LENGTH) return undefined;
  return {
    environment: head.subarray(OF_ENVIRONMENT, LENGTH),
    length,
    checksum: head.readUInt32LE(CHECKSUM),
    index: head.readUInt32LE(INDEX),
  };
}

export function isSound(content: Buffer, { checksum, length }: BlockHead): boolean {
  return content.length === length && crc32(content) === checksum;
}

/** Where the next block may begin; -1: nowhere in these bytes. */
export function nextBeginning(bytes: Buffer, from: number): number {
  return bytes.indexOf(MAGIC, from);
}

/** How many bytes of the name a disk may have damaged. */
const DAMAGED_BYTES = 2;

/** Whether a file in which no block begins is another program's, from how it begins: zeros are what a crash may have left of ours. */
export function isOfAnotherProgram(start: Buffer): boolean {
  const name = start.subarray(0, NAME_BYTES);
  if (name.every((byte) => byte === 0)) return false;
  return name.filter((byte, at) => byte !== MAGIC[at]).length > DAMAGED_BYTES;
}

/** Whether a file is of another version of this format. */
export function isOfAnotherVersion(bytes: Buffer): boolean {
  const name = bytes.subarray(0, NAME_BYTES);
  return (
    name.equals(MAGIC.subarray(0, NAME_BYTES)) &&
    !bytes.subarray(0, MAGIC.length).equals(MAGIC) &&
    bytes.length >= MAGIC.length
  );
}
