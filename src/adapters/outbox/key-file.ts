import { crc32 } from "node:zlib";
import type { KeyDigest } from "../../domain/outbox/outbox-record.js";
import { encodeHeader, HEADER_BYTES } from "./outbox-file-header.js";
import type { OnKey } from "./replay-file.js";

const KEY_BYTES = 24;

/** The keys of segments that are left behind, as a file. @param seconds when each was accepted */
export function encodeKeys(outboxId: string, keys: readonly (readonly [digest: KeyDigest, seconds: number])[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + keys.length * KEY_BYTES + 4);
  encodeHeader(outboxId).copy(bytes);
  let at = HEADER_BYTES;
  for (const [digest, seconds] of keys) for (const part of [...digest, seconds]) at = bytes.writeUInt32LE(part, at);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEADER_BYTES, at)), at);
  return bytes;
}

/** @returns whether the file is whole; its keys are reported in any case */
export function decodeKeys(bytes: Buffer, onKey: OnKey): boolean {
  const end = bytes.length - 4;
  for (let at = HEADER_BYTES; at + KEY_BYTES <= end; at += KEY_BYTES) {
    const parts = Array.from({ length: 5 }, (_, i) => bytes.readUInt32LE(at + i * 4)) as unknown as KeyDigest;
    onKey(parts, bytes.readUInt32LE(at + 20) * 1_000);
  }
  return end >= HEADER_BYTES && crc32(bytes.subarray(HEADER_BYTES, end)) === bytes.readUInt32LE(end);
}
