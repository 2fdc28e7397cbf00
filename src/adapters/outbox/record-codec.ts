import type {
  AcceptedEvent,
  AcceptedReport,
  AcceptedUsage,
  KeyDigest,
  OutboxRecord,
} from "../../domain/outbox/outbox-record.js";
import type { Dimensions, DimensionValue } from "../../domain/usage/usage-report.js";
import type { RecordBuffer } from "./record-buffer.js";

/** What a payload begins with. Reports are packed, since there can be millions; all else is JSON. */
const USAGE = 1;
const EVENTS = 2;
const JSON_TEXT = 3;
const ENTRY = 4;

const IS_SET = 1;
const HAS_RESOURCE = 2;
const HAS_DIMENSIONS = 4;
const HAS_DIGEST = 8;

const NO_DIMENSIONS: Dimensions = new Map();

/** @throws CodedError `invalid-argument` as RecordBuffer.text does */
export function encodeRecord(record: OutboxRecord, to: RecordBuffer): void {
  if (record.type === "usage-accepted") {
    to.byte(USAGE);
    to.number(record.at);
    to.unsigned(record.items.length);
    for (const item of record.items) encodeUsage(item, to);
  } else if (record.type === "events-accepted") {
    to.byte(EVENTS);
    to.number(record.at);
    to.number(record.firstId);
    to.unsigned(record.events.length);
    for (let i = 0; i < record.events.length; i++)
      encodeEvent(record.events[i] as AcceptedEvent, record.digests[i], to);
  } else if (record.type === "entry") {
    to.byte(ENTRY);
    to.number(record.acceptedAt);
    to.number(record.count);
    to.number(record.triedAt ?? NaN);
    to.byte(record.isFormed ? 1 : 0);
    encodeUsage({ id: record.id, entryId: record.id, report: record.usage, group: record.group }, to);
  } else {
    to.byte(JSON_TEXT);
    to.text(JSON.stringify(record, toJson));
  }
}

function encodeUsage({ id, entryId, report, group, digest }: AcceptedUsage, to: RecordBuffer): void {
  const { subject, dimensions } = report;
  to.byte(
    (report.updateBehavior === "SET" ? IS_SET : 0) |
      (subject.resourceId === undefined ? 0 : HAS_RESOURCE) |
      (dimensions.size === 0 ? 0 : HAS_DIMENSIONS) |
      (digest === undefined ? 0 : HAS_DIGEST),
  );
  to.number(id);
  to.number(entryId);
  to.number(report.value);
  to.number(report.timestamp);
  to.number(group);
  to.text(subject.customerId);
  if (subject.resourceId !== undefined) to.text(subject.resourceId);
  to.text(report.featureId);
  if (dimensions.size > 0) to.text(JSON.stringify([...dimensions]));
  to.text(report.idempotencyKey);
  if (digest !== undefined) for (const part of digest) to.unsigned(part);
}

function encodeEvent(
  { subject, dimensions, eventName, idempotencyKey, timestamp }: AcceptedEvent,
  digest: KeyDigest | undefined,
  to: RecordBuffer,
): void {
  to.byte(
    (subject.resourceId === undefined ? 0 : HAS_RESOURCE) |
      (dimensions.size === 0 ? 0 : HAS_DIMENSIONS) |
      (digest === undefined ? 0 : HAS_DIGEST),
  );
  to.number(timestamp);
  to.text(subject.customerId);
  if (subject.resourceId !== undefined) to.text(subject.resourceId);
  to.text(eventName);
  if (dimensions.size > 0) to.text(JSON.stringify([...dimensions]));
  to.text(idempotencyKey);
  if (digest !== undefined) for (const part of digest) to.unsigned(part);
}

/** The record that lies in `bytes` between these places. @throws Error where it is none that this version knows */
export function decodeRecord(bytes: Buffer, from: number, to: number): OutboxRecord {
  const reader = new Reader(bytes, from);
  const kind = reader.byte();
  if (kind === JSON_TEXT) return JSON.parse(reader.text(), fromJson) as OutboxRecord;
  if (kind === ENTRY) return decodeEntry(reader);
  if (kind !== USAGE && kind !== EVENTS)
    throw new Error(`a record of kind ${kind} at ${from} to ${to} is of a later version`);
  const at = reader.number();
  if (kind === USAGE) {
    const items: AcceptedUsage[] = [];
    for (let left = reader.unsigned(); left > 0; left--) items.push(decodeUsage(reader));
    return { type: "usage-accepted", at, items };
  }
  const firstId = reader.number();
  const events: AcceptedEvent[] = [];
  const digests: (KeyDigest | undefined)[] = [];
  for (let left = reader.unsigned(); left > 0; left--) {
    const flags = reader.byte();
    const timestamp = reader.number();
    const subject = { customerId: reader.text(), resourceId: (flags & HAS_RESOURCE) === 0 ? undefined : reader.text() };
    const eventName = reader.text();
    const dimensions = readDimensions(reader, flags);
    events.push({ eventName, subject, idempotencyKey: reader.text(), dimensions, timestamp });
    digests.push(readDigest(reader, flags));
  }
  return { type: "events-accepted", at, firstId, events, digests };
}

function decodeEntry(reader: Reader): OutboxRecord {
  const acceptedAt = reader.number();
  const count = reader.number();
  const triedAt = reader.number();
  const isFormed = reader.byte() === 1;
  const { id, report, group } = decodeUsage(reader);
  return {
    type: "entry",
    id,
    usage: { ...report, keyOrigin: "caller" },
    group,
    count,
    acceptedAt,
    triedAt: Number.isNaN(triedAt) ? undefined : triedAt,
    isFormed,
  };
}

function decodeUsage(reader: Reader): AcceptedUsage {
  const flags = reader.byte();
  const id = reader.number();
  const entryId = reader.number();
  const value = reader.number();
  const timestamp = reader.number();
  const group = reader.number();
  const customerId = reader.text();
  const resourceId = (flags & HAS_RESOURCE) === 0 ? undefined : reader.text();
  const featureId = reader.text();
  const dimensions = readDimensions(reader, flags);
  const report: AcceptedReport = {
    subject: { customerId, resourceId },
    featureId,
    value,
    updateBehavior: (flags & IS_SET) === 0 ? "DELTA" : "SET",
    dimensions,
    timestamp,
    idempotencyKey: reader.text(),
    keyOrigin: (flags & HAS_DIGEST) === 0 ? "generated" : "caller",
  };
  return { id, entryId, report, group, digest: readDigest(reader, flags) };
}

function readDimensions(reader: Reader, flags: number): Dimensions {
  return (flags & HAS_DIMENSIONS) === 0
    ? NO_DIMENSIONS
    : new Map(JSON.parse(reader.text()) as [string, DimensionValue][]);
}

function readDigest(reader: Reader, flags: number): KeyDigest | undefined {
  if ((flags & HAS_DIGEST) === 0) return undefined;
  return [reader.unsigned(), reader.unsigned(), reader.unsigned(), reader.unsigned(), reader.unsigned()];
}

/** JSON knows neither maps nor infinity. */
export function toJson(_: string, value: unknown): unknown {
  if (value instanceof Map) return { $map: [...(value as Dimensions)] };
  return value === Infinity ? { $infinity: true } : value;
}

function fromJson(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if ("$map" in value) return new Map(value.$map as [string, DimensionValue][]);
  return "$infinity" in value ? Infinity : value;
}

class Reader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  unsigned(): number {
    const value = this.#bytes.readUInt32LE(this.#at);
    this.#at += 4;
    return value;
  }

  number(): number {
    const value = this.#bytes.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    const length = this.unsigned();
    const text = this.#bytes.toString("utf8", this.#at, this.#at + length);
    this.#at += length;
    return text;
  }
}
