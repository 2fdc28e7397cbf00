import { hash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { KeyDigest } from "../../domain/outbox/outbox-record.js";
import type { Dimensions, UsageEvent, UsageReport } from "../../domain/usage/usage-report.js";
import { encodeHeader, HEADER_BYTES } from "./outbox-file-header.js";
import type { OnKey } from "./replay-file.js";

/** 32-bit words of one key: four of its digest, one of what else the report said, and when, in seconds. */
const WORDS = 6;
const FIRST_SLOTS = 1_024;
/** Of what is copied where it grows: longer than a millisecond or two nobody is kept waiting. */
const GROWN_SLOTS = 1 << 16;
/** A generation that begins so large is never copied. */
const LAST_SLOTS = 1 << 20;
const MAX_FILL = 0.7;
/** In place of a time: what was remembered here is taken back. */
const FORGOTTEN = 1;

/** Keys that came one after the other, in one array without an object for each. */
class Generation {
  newestAt = 0;
  readonly #lastSlots: number;
  #slots: number;
  #words: Uint32Array;
  #used = 0;

  constructor(firstSlots: number, lastSlots: number) {
    this.#lastSlots = lastSlots;
    this.#slots = firstSlots;
    this.#words = new Uint32Array(firstSlots * WORDS);
  }

  get isFull(): boolean {
    return this.#slots === this.#lastSlots && this.#used >= this.#slots * MAX_FILL;
  }

  get count(): number {
    return this.#used;
  }

  /** @returns where the key is, or the empty slot where it would be */
  slotOf(digest: KeyDigest): number {
    const words = this.#words;
    for (let slot = digest[0] & (this.#slots - 1); ; slot = (slot + 1) & (this.#slots - 1)) {
      const at = slot * WORDS;
      if (words[at + 5] === 0) return at;
      if (
        words[at] === digest[0] &&
        words[at + 1] === digest[1] &&
        words[at + 2] === digest[2] &&
        words[at + 3] === digest[3]
      )
        return at;
    }
  }

  contentAt(at: number): number {
    return this.#words[at + 4] ?? 0;
  }

  secondsAt(at: number): number {
    return this.#words[at + 5] ?? 0;
  }

  forget(at: number): void {
    this.#words[at + 5] = FORGOTTEN;
  }

  set(digest: KeyDigest, seconds: number): void {
    if (this.#used >= this.#slots * MAX_FILL) this.#grow();
    const at = this.slotOf(digest);
    if (this.#words[at + 5] === 0) this.#used++;
    for (let i = 0; i < 5; i++) this.#words[at + i] = digest[i as 0];
    this.#words[at + 5] = seconds;
    this.newestAt = Math.max(this.newestAt, seconds);
  }

  list(): (readonly [digest: KeyDigest, seconds: number])[] {
    const keys: (readonly [KeyDigest, number])[] = [];
    for (let at = 0; at < this.#words.length; at += WORDS) {
      const seconds = this.#words[at + 5] as number;
      if (seconds > FORGOTTEN) keys.push([[...this.#words.subarray(at, at + 5)] as unknown as KeyDigest, seconds]);
    }
    return keys;
  }

  #grow(): void {
    const before = this.#words;
    this.#slots *= 2;
    const words = (this.#words = new Uint32Array(this.#slots * WORDS));
    const mask = this.#slots - 1;
    this.#used = 0;
    for (let from = 0; from < before.length; from += WORDS) {
      if ((before[from + 5] ?? 0) <= FORGOTTEN) continue;
      let slot = (before[from] ?? 0) & mask;
      while (words[slot * WORDS + 5] !== 0) slot = (slot + 1) & mask;
      for (let i = 0; i < WORDS; i++) words[slot * WORDS + i] = before[from + i] ?? 0;
      this.#used++;
    }
  }
}

/**
 * The keys of reports that were accepted lately: some 40 bytes each. They are kept by generations, so that none of the
 * work in proportion to their number is done at once.
 */
export class KeyMemory {
  readonly #keepSeconds: number;
  #generations: Generation[] = [new Generation(FIRST_SLOTS, GROWN_SLOTS)];

  constructor(keepMs: number) {
    this.#keepSeconds = Math.ceil(keepMs / 1_000);
  }

  get count(): number {
    return this.#generations.reduce((sum, { count }) => sum + count, 0);
  }

  /** @param now epoch milliseconds */
  find(digest: KeyDigest, now: number): "unknown" | "same" | "other" {
    const since = Math.floor(now / 1_000) - this.#keepSeconds;
    for (let i = this.#generations.length - 1; i >= 0; i--) {
      const generation = this.#generations[i] as Generation;
      const at = generation.slotOf(digest);
      const seconds = generation.secondsAt(at);
      if (seconds > FORGOTTEN && seconds >= since) return generation.contentAt(at) === digest[4] ? "same" : "other";
    }
    return "unknown";
  }

  /** @param at epoch milliseconds */
  remember(digest: KeyDigest, at: number): void {
    let newest = this.#generations.at(-1) as Generation;
    if (newest.isFull) this.#generations.push((newest = new Generation(LAST_SLOTS, LAST_SLOTS)));
    newest.set(digest, Math.max(Math.floor(at / 1_000), FORGOTTEN + 1));
  }

  forget(digest: KeyDigest): void {
    for (const generation of this.#generations) {
      const at = generation.slotOf(digest);
      if (generation.secondsAt(at) !== 0) generation.forget(at);
    }
  }

  /**
   * All that are known, the newest last.
   *
   * @param except those that are only being written
   * @param laterByMs how much later than they were remembered at they are said to be
   */
  list(except: readonly KeyDigest[], laterByMs: number): readonly (readonly [digest: KeyDigest, seconds: number])[] {
    const excepted = new Set(except.map(String));
    const laterBy = Math.round(laterByMs / 1_000);
    const keys = this.#generations
      .flatMap((generation) => generation.list())
      .filter(([digest]) => excepted.size === 0 || !excepted.has(String(digest)))
      .map(([digest, seconds]) => [digest, seconds + laterBy] as const);
    const newest = keys.reduce((best, [, seconds], i) => (seconds > (keys[best]?.[1] ?? 0) ? i : best), 0);
    keys.push(...keys.splice(newest, 1));
    return keys;
  }

  /** Lets go of what is too old. @param now epoch milliseconds */
  expire(now: number): void {
    const since = Math.floor(now / 1_000) - this.#keepSeconds;
    const newest = this.#generations.at(-1) as Generation;
    this.#generations = this.#generations.filter((generation) => generation === newest || generation.newestAt >= since);
  }
}

/**
 * What one key stands for: the same key of another subject or feature is another one, as upstream's rule for events has
 * it. A report that is sent again says the same, apart from its timestamp: whoever leaves that out gets another one.
 */
export function digestOfUsage(report: UsageReport): KeyDigest | undefined {
  if (report.keyOrigin === "generated") return undefined;
  const { subject, featureId, idempotencyKey, value, updateBehavior, dimensions } = report;
  return digest(
    ["usage", subject.customerId, subject.resourceId ?? null, featureId, idempotencyKey],
    [value, updateBehavior, ...partsOf(dimensions)],
  );
}

/** Undefined for an event with a timestamp of its own: upstream knows it again by that. */
export function digestOfEvent({
  subject,
  eventName,
  idempotencyKey,
  dimensions,
  timestamp,
}: UsageEvent): KeyDigest | undefined {
  if (timestamp !== undefined) return undefined;
  return digest(
    ["event", subject.customerId, subject.resourceId ?? null, eventName, idempotencyKey],
    partsOf(dimensions),
  );
}

type Part = string | number | boolean | null;

function partsOf(dimensions: Dimensions): Part[] {
  return [...dimensions].sort(([a], [b]) => (a < b ? -1 : 1)).flat();
}

/** A list as JSON is never the same as another list; 128 bits are too many to collide. */
function digest(key: readonly Part[], content: readonly Part[]): KeyDigest {
  const ofKey = Buffer.from(hash("sha256", JSON.stringify(key)), "hex");
  const ofContent = hash("sha256", JSON.stringify(content));
  return [
    ofKey.readUInt32LE(0),
    ofKey.readUInt32LE(4),
    ofKey.readUInt32LE(8),
    ofKey.readUInt32LE(12),
    Buffer.from(ofContent.slice(0, 8), "hex").readUInt32LE(0),
  ];
}

const KEY_BYTES = 24;

/** How many keys are in each part of a file that is written. */
const KEYS_OF_A_PART = 1_000;

/** The keys of segments that are left behind, as the parts of a file. @param seconds when each was accepted */
export function* encodeKeyFile(
  outboxId: string,
  keys: readonly (readonly [digest: KeyDigest, seconds: number])[],
): Iterable<Buffer> {
  yield encodeHeader(outboxId);
  let checksum = 0;
  for (let from = 0; from < keys.length; from += KEYS_OF_A_PART) {
    const count = Math.min(KEYS_OF_A_PART, keys.length - from);
    const part = Buffer.alloc(count * KEY_BYTES);
    for (let index = 0, at = 0; index < count; index++) {
      const [digest, seconds] = keys[from + index] as (typeof keys)[number];
      for (const word of digest) at = part.writeUInt32LE(word, at);
      at = part.writeUInt32LE(seconds, at);
    }
    checksum = crc32(part, checksum);
    yield part;
  }
  const end = Buffer.alloc(4);
  end.writeUInt32LE(checksum);
  yield end;
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
