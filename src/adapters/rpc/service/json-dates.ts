import type { DescField, DescMessage } from "@bufbuild/protobuf";

/** Only these days are in some months and not in others; the text may also be written with escapes. */
const MAY_HOLD_ONE = /-(?:29|30|31)T|\\u/;
const DAY = /^(\d{4}-\d{2}-\d{2})T/;

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
