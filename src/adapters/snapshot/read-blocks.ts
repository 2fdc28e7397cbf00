import type { FileHandle } from "node:fs/promises";
import {
  type BlockHead,
  HEAD_BYTES,
  headAt,
  isOfAnotherProgram,
  isOfAnotherVersion,
  isSound,
  nextBeginning,
} from "./block-format.js";

export interface ReadResult {
  readonly blocks: number;
  /** What follows of the file: the number of its next block, and where it begins. */
  readonly nextIndex: number;
  readonly end: number;
  /** Blocks that could not be used, as far as can be reported; a torn end is one. */
  readonly damaged: number;
  readonly isOfAnotherVersion: boolean;
  readonly isOfAnotherEnvironment: boolean;
  /** No snapshot at all. */
  readonly isOfAnotherProgram: boolean;
}

/** Read at a time: many blocks, so that what lies between two windows is seldom read twice. */
const WINDOW_BYTES = 4 << 20;

/**
 * Reads a file block by block. Whatever is damaged costs its own block: after it, the next sound one is looked for.
 *
 * @param take is given each sound block, in order; false: it cannot be used
 */
export async function readBlocks(
  file: FileHandle,
  environment: Buffer,
  take: (content: Buffer) => boolean | Promise<boolean>,
): Promise<ReadResult> {
  const { size } = await file.stat();
  const start = await bytesAt(file, 0, HEAD_BYTES, size);
  let [at, blocks, damaged, expected] = [0, 0, 0, 0];
  let isOfAnotherEnvironment = false;
  let isSomethingFound = false;
  let isInDamage = false;
  let [wide, wideAt] = [start, 0];
  while (at < size) {
    let window = wide.subarray(at - wideAt);
    const known = window.length < HEAD_BYTES ? undefined : headAt(window, 0);
    if (known === undefined || HEAD_BYTES + known.length > window.length) {
      window = wide = await bytesAt(file, at, WINDOW_BYTES, size);
      wideAt = at;
    }
    const head = headAt(window, 0);
    if (head === undefined) {
      if (!isInDamage) damaged++;
      isInDamage = true;
      const next = nextBeginning(window, 1);
      isSomethingFound ||= next > 0;
      at += next > 0 ? next : Math.max(1, window.length - HEAD_BYTES);
      continue;
    }
    // Blocks that are missing without a trace.
    if (!isInDamage && head.index > expected) damaged += head.index - expected;
    isInDamage = false;
    isSomethingFound = true;
    expected = head.index + 1;
    const content = await contentOf(file, at, head, window, size);
    if (!head.environment.equals(environment)) isOfAnotherEnvironment = true;
    else if (isSound(content, head) && (await take(content))) blocks++;
    else damaged++;
    at += HEAD_BYTES + head.length;
  }
  return {
    blocks,
    nextIndex: expected,
    end: size,
    damaged,
    isOfAnotherVersion: isOfAnotherVersion(start),
    isOfAnotherEnvironment,
    isOfAnotherProgram: !isSomethingFound && isOfAnotherProgram(start),
  };
}

async function contentOf(
  file: FileHandle,
  at: number,
  { length }: BlockHead,
  window: Buffer,
  size: number,
): Promise<Buffer> {
  if (HEAD_BYTES + length <= window.length) return window.subarray(HEAD_BYTES, HEAD_BYTES + length);
  return bytesAt(file, at + HEAD_BYTES, length, size);
}

async function bytesAt(file: FileHandle, at: number, length: number, size: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - at)));
  let read = 0;
  while (read < bytes.length) {
    const { bytesRead } = await file.read(bytes, read, bytes.length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}
