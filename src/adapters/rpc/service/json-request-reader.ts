import { create, type DescField, type DescMessage, fromJsonString, type MessageShape } from "@bufbuild/protobuf";
import { JSON_OPTIONS } from "../answers/answer-encoders.js";
import { isPlain } from "./request-reader.js";

interface PlainRequest {
  readonly customerId?: string;
  readonly resourceId?: string;
  readonly featureId?: string;
  readonly currencyId?: string;
  readonly options?: { readonly requestedUsage?: number };
}

const IDS: ReadonlySet<string> = new Set(["customerId", "resourceId", "featureId", "currencyId"]);

/**
 * Reads a message as `fromJsonString` does, and faster where it consists of ids and a requested usage, as nearly all
 * requests do. It throws what that throws, and where a timestamp is on a day that does not exist.
 */
export function jsonReader<I extends DescMessage>(schema: I): (text: string) => MessageShape<I> {
  if (!isPlain(schema)) return (text) => readGeneral(text, schema);
  const { typeName } = schema;
  // "" or undefined, whether the method has to be told a feature or not.
  const { featureId: noFeatureId } = create(schema) as { readonly featureId?: string };
  const options = schema.field["options"]?.message;

  return (text) => {
    const plain = readPlain(text, schema);
    if (plain === undefined) return readGeneral(text, schema);
    const { customerId = "", resourceId, featureId = noFeatureId, currencyId } = plain;
    const requestedUsage = plain.options?.requestedUsage;
    const readOptions =
      requestedUsage === undefined ? undefined : { $typeName: options?.typeName, requestedUsage, requestedValues: [] };
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

function readGeneral<I extends DescMessage>(text: string, schema: I): MessageShape<I> {
  const fault = impossibleDate(text, schema);
  if (fault !== undefined) throw new RangeError(fault);
  return fromJsonString(schema, text, JSON_OPTIONS);
}

/** @returns undefined for any other request, be it right or wrong */
function readPlain(text: string, schema: DescMessage): PlainRequest | undefined {
  if (text.includes("\\")) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  let quotes = 0;
  for (const name in json) {
    const value = (json as Record<string, unknown>)[name];
    if (schema.field[name] === undefined) return undefined;
    if (IDS.has(name) && typeof value === "string") quotes += 4;
    else if (name === "options" && isRequestedUsage(value, schema)) quotes += 4;
    else return undefined;
  }
  // Of a name that is there twice, JSON.parse says nothing.
  return quotes === quotesIn(text) ? json : undefined;
}

function isRequestedUsage(options: unknown, schema: DescMessage): boolean {
  if (
    typeof options !== "object" ||
    options === null ||
    schema.field["options"]?.message?.field["requestedUsage"] === undefined
  )
    return false;
  const [[name, value] = [], second] = Object.entries(options) as [string, unknown][];
  return name === "requestedUsage" && Number.isFinite(value) && second === undefined;
}

function quotesIn(text: string): number {
  let quotes = 0;
  for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) quotes++;
  return quotes;
}

/** Only these days are in some months and not in others; the text may also be written with escapes. */
const PARTS_OF_ONE = ["-29T", "-30T", "-31T", "\\u"];
const MAY_HOLD_ONE = new RegExp(PARTS_OF_ONE.map((part) => part.replace("\\", "\\\\")).join("|"));
const DAY = /^(\d{4}-\d{2}-\d{2})T/;

/**
 * Whether `impossibleDate` may find something. Large messages are not made texts of for nothing.
 *
 * @param json without it: in any message of this kind
 */
export function mayHoldImpossibleDate(schema: DescMessage, json?: Buffer): boolean {
  return holdsTimestamp(schema, new Set()) && (json === undefined || PARTS_OF_ONE.some((part) => json.includes(part)));
}

function holdsTimestamp({ typeName, fields }: DescMessage, asked: Set<string>): boolean {
  if (typeName === "google.protobuf.Timestamp") return true;
  if (typeName.startsWith("google.protobuf.") || asked.has(typeName)) return false;
  asked.add(typeName);
  return fields.some(({ message }) => message !== undefined && holdsTimestamp(message, asked));
}

/**
 * What is wrong with the timestamps of a message in JSON, as a sentence that names the field. The library takes
 * 30 February for 2 March, and usage would be counted in another period than the caller wrote.
 *
 * @param text what is no JSON, or another message, is left to who decodes it
 */
export function impossibleDate(text: string, schema: DescMessage): string | undefined {
  if (!MAY_HOLD_ONE.test(text)) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  return faultIn(json, schema, "");
}

function faultIn(json: unknown, schema: DescMessage, path: string): string | undefined {
  if (schema.typeName === "google.protobuf.Timestamp") return dateFault(json, path);
  // The other well-known types hold no timestamps, and some of them hold themselves.
  if (schema.typeName.startsWith("google.protobuf.") || typeof json !== "object" || json === null) return undefined;
  for (const [name, value] of Object.entries(json)) {
    const field = schema.fields.find(({ jsonName, name: protoName }) => name === jsonName || name === protoName);
    const message = field?.message;
    if (field === undefined || message === undefined) continue;
    for (const [at, item] of itemsOf(field, value)) {
      const fault = faultIn(item, message, `${path === "" ? "" : `${path}.`}${name}${at}`);
      if (fault !== undefined) return fault;
    }
  }
  return undefined;
}

function itemsOf({ fieldKind }: DescField, value: unknown): (readonly [at: string, item: unknown])[] {
  if (fieldKind !== "list" && fieldKind !== "map") return [["", value]];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).map(([key, item]) => [`[${fieldKind === "map" ? JSON.stringify(key) : key}]`, item]);
}

/** Of what is no timestamp at all the library says so. */
function dateFault(json: unknown, path: string): string | undefined {
  const day = typeof json === "string" ? DAY.exec(json)?.[1] : undefined;
  const midnight = day === undefined ? NaN : Date.parse(`${day}T00:00:00Z`);
  if (day === undefined || Number.isNaN(midnight) || new Date(midnight).toISOString().startsWith(day)) return undefined;
  return `${path} is on ${day}, a day that is not in the calendar: send one that is`;
}
