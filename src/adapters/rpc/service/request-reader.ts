import { create, type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { CodedError } from "../../../domain/errors.js";
import { isIdTooLong, MAX_ID_BYTES } from "../../../domain/subject.js";

/** Reads the message that lies in `bytes` from `from` to `to`. */
export type ReadRequest<I extends DescMessage> = (bytes: Buffer, from: number, to: number) => MessageShape<I>;

/** Reads a message as `fromBinary` does, and much faster where it is a plain request. It throws what that throws. */
export function requestReader<I extends DescMessage>(schema: I): ReadRequest<I> {
  if (!isPlain(schema)) return (bytes, from, to) => fromBinary(schema, bytes.subarray(from, to));
  const { typeName } = schema;
  // "" or undefined, whether the method has to be told a feature or not.
  const { featureId: noFeatureId } = create(schema) as { readonly featureId?: string };
  const options = schema.field["options"]?.message;
  const optionsTypeName = options?.typeName;
  const layout: PlainLayout = {
    customerId: schema.field["customerId"]?.number,
    resourceId: schema.field["resourceId"]?.number,
    featureId: schema.field["featureId"]?.number,
    currencyId: schema.field["currencyId"]?.number,
    options: schema.field["options"]?.number,
    requestedUsage: options?.field["requestedUsage"]?.number,
  };

  const known = new KnownTexts();

  return (bytes, from, to) => {
    const fields = readPlainFields(bytes, from, to, layout, known);
    if (fields === undefined) return fromBinary(schema, bytes.subarray(from, to));
    const { customerId, resourceId, featureId = noFeatureId, currencyId, requestedUsage } = fields;
    const readOptions =
      requestedUsage === undefined ? undefined : { $typeName: optionsTypeName, requestedUsage, requestedValues: [] };
    // What the message has no field for is never read.
    return {
      $typeName: typeName,
      customerId,
      resourceId,
      featureId,
      currencyId,
      options: readOptions,
    } as unknown as MessageShape<I>;
  };
}

const PLAIN_FIELDS: ReadonlySet<string> = new Set(["customerId", "resourceId", "featureId", "currencyId", "options"]);

/** Whether a message has no fields but those that plain requests consist of. */
export function isPlain(schema: DescMessage): boolean {
  return (
    schema.fields.every(({ localName }) => PLAIN_FIELDS.has(localName)) && schema.field["customerId"] !== undefined
  );
}

const VARINT_CONTINUES = 0x80;
const LENGTH_DELIMITED = 2;
const FIXED64 = 1;

/** The numbers of the fields that a plain request may have set. */
interface PlainLayout {
  readonly customerId: number | undefined;
  readonly resourceId: number | undefined;
  readonly featureId: number | undefined;
  readonly currencyId: number | undefined;
  readonly options: number | undefined;
  /** Within the options. */
  readonly requestedUsage: number | undefined;
}

/** What nearly all requests consist of. */
export interface PlainFields {
  customerId: string;
  resourceId: string | undefined;
  featureId: string | undefined;
  currencyId: string | undefined;
  requestedUsage: number | undefined;
}

/**
 * Reads a request in `bytes` from `from` to `to`, of which nothing is set but ids of ASCII, each at most once and
 * shorter than 128 bytes, and a requested usage. Several times as fast as the library, to which everything else is left.
 *
 * @param known ids of features and currencies, of which there are few, and so none of customers
 * @returns undefined for any other request, be it right or wrong
 */
function readPlainFields(
  bytes: Buffer,
  from: number,
  to: number,
  layout: PlainLayout,
  known: KnownTexts,
): PlainFields | undefined {
  const fields: PlainFields = {
    customerId: "",
    resourceId: undefined,
    featureId: undefined,
    currencyId: undefined,
    requestedUsage: undefined,
  };
  let seen = 0;
  for (let at = from; at < to;) {
    if (at + 1 === to) return undefined;
    const tag = bytes[at] as number;
    const length = bytes[at + 1] as number;
    const start = at + 2;
    if (length >= VARINT_CONTINUES || (tag & 0b111) !== LENGTH_DELIMITED) return undefined;
    at = start + length;
    if (at > to) return undefined;
    const field = tag >> 3;
    if ((seen & (1 << field)) !== 0) return undefined;
    seen |= 1 << field;
    if (field === layout.options) {
      const usage = readRequestedUsage(bytes, start, length, layout.requestedUsage);
      if (usage === undefined) return undefined;
      fields.requestedUsage = usage;
      continue;
    }
    if (field === layout.featureId || field === layout.currencyId) {
      const text = known.textOf(bytes, start, at);
      if (text === undefined) return undefined;
      if (field === layout.featureId) fields.featureId = text;
      else fields.currencyId = text;
      continue;
    }
    if (!isAscii(bytes, start, at)) return undefined;
    const text = bytes.toString("latin1", start, at);
    if (field === layout.customerId) fields.customerId = text;
    else if (field === layout.resourceId) fields.resourceId = text;
    else return undefined;
  }
  return fields;
}

function readRequestedUsage(
  bytes: Buffer,
  start: number,
  length: number,
  field: number | undefined,
): number | undefined {
  if (length !== 9 || field === undefined || bytes[start] !== ((field << 3) | FIXED64)) return undefined;
  return bytes.readDoubleLE(start + 1);
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((bytes[i] as number) >= 0x80) return false;
  return true;
}

/** Longer than any id in use, and short enough for a header. */
const MAX_QUOTED = 80;

/** @param message names the field as the proto file spells it, the fault and the remedy */
export function invalidArgument(message: string): CodedError {
  return new CodedError("invalid-argument", message);
}

/** A caller's own string in a message: escaped and cut, since messages travel in headers. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}

/** @throws CodedError `invalid-argument` naming the field */
export function requiredText(text: string, field: string): string {
  if (text === "") throw invalidArgument(`${field} is required and was empty: send a non-empty string`);
  return text;
}

/** @throws CodedError `invalid-argument` naming the field */
export function requiredId(id: string, field: string, maxBytes = MAX_ID_BYTES): string {
  if (isIdTooLong(id, maxBytes)) throw tooLong(field, maxBytes);
  return requiredText(id, field);
}

/**
 * Clients of some languages send "" for an id that they leave out, so it counts as left out.
 *
 * @throws CodedError `invalid-argument` naming the field
 */
export function optionalId(id: string | undefined, field: string, maxBytes = MAX_ID_BYTES): string | undefined {
  if (id === undefined || id === "") return undefined;
  if (isIdTooLong(id, maxBytes)) throw tooLong(field, maxBytes);
  return id;
}

function tooLong(field: string, maxBytes: number): CodedError {
  return invalidArgument(`${field} is longer than ${maxBytes} bytes (MAX_ID_BYTES): send a shorter id`);
}

/** @throws CodedError `invalid-argument` naming the field */
export function finite(value: number, field: string): number {
  if (!Number.isFinite(value)) throw invalidArgument(`${field} was ${value}: send a finite number`);
  return value;
}

/** @throws CodedError `invalid-argument` naming the field */
export function optionalFinite(value: number | undefined, field: string): number | undefined {
  return value === undefined ? undefined : finite(value, field);
}

/** @throws CodedError `invalid-argument` where a list is longer than one request may bring */
export function checkCount(count: number, most: number, field: string): void {
  if (count > most)
    throw invalidArgument(
      `${field} has ${count} items, more than ${most} (MAX_ITEMS_PER_REQUEST): send several requests`,
    );
}

/** @throws CodedError `invalid-argument` naming the field */
export function optionalRequestedUsage(value: number | undefined, field: string): number | undefined {
  const usage = optionalFinite(value, field);
  if (usage !== undefined && usage < 0)
    throw invalidArgument(`${field} was ${usage}: send 0 or more, how much the customer is about to use`);
  return usage;
}

/** How many are known at once. A power of two. With the longest that is kept, a table never holds more than 64 kB of text. */
const PLACES = 512;
const MAX_KEPT_BYTES = 128;
const NOT_ASCII = 0x80;

/**
 * Texts that come over and over, such as the ids of features: one that is known need not be made again, nor hashed when
 * something is looked up by it.
 */
export class KnownTexts {
  readonly #texts = new Array<string>(PLACES).fill("");

  /** What lies in `bytes` from `from` to `to`; undefined where that is not ASCII. */
  textOf(bytes: Buffer, from: number, to: number): string | undefined {
    let hash = 0;
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      if (byte >= NOT_ASCII) return undefined;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    const place = hash & (PLACES - 1);
    const known = this.#texts[place] as string;
    if (isSame(known, bytes, from, to)) return known;
    if (to - from > MAX_KEPT_BYTES) return bytes.toString("latin1", from, to);
    return (this.#texts[place] = bytes.toString("latin1", from, to));
  }
}

function isSame(text: string, bytes: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
