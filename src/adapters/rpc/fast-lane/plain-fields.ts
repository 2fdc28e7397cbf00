const VARINT_CONTINUES = 0x80;
const LENGTH_DELIMITED = 2;
const FIXED64 = 1;

/** The numbers of the fields that a plain request may have set. */
export interface PlainLayout {
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
 * Reads a request of which nothing is set but ids of ASCII, each at most once and shorter than 128 bytes, and a
 * requested usage. Several times as fast as the library, to which everything else is left.
 *
 * @returns undefined for any other request, be it right or wrong
 */
export function readPlainFields(message: Buffer, layout: PlainLayout): PlainFields | undefined {
  const fields: PlainFields = {
    customerId: "",
    resourceId: undefined,
    featureId: undefined,
    currencyId: undefined,
    requestedUsage: undefined,
  };
  let seen = 0;
  for (let at = 0; at < message.length; ) {
    const tag = message[at] as number;
    const length = message[at + 1];
    const start = at + 2;
    if (length === undefined || length >= VARINT_CONTINUES || (tag & 0b111) !== LENGTH_DELIMITED) return undefined;
    at = start + length;
    if (at > message.length) return undefined;
    const field = tag >> 3;
    if ((seen & (1 << field)) !== 0) return undefined;
    seen |= 1 << field;
    if (field === layout.options) {
      const usage = readRequestedUsage(message, start, length, layout.requestedUsage);
      if (usage === undefined) return undefined;
      fields.requestedUsage = usage;
      continue;
    }
    if (!isAscii(message, start, at)) return undefined;
    const text = message.toString("latin1", start, at);
    if (field === layout.customerId) fields.customerId = text;
    else if (field === layout.featureId) fields.featureId = text;
    else if (field === layout.resourceId) fields.resourceId = text;
    else if (field === layout.currencyId) fields.currencyId = text;
    else return undefined;
  }
  return fields;
}

function readRequestedUsage(message: Buffer, start: number, length: number, field: number | undefined): number | undefined {
  if (length !== 9 || field === undefined || message[start] !== ((field << 3) | FIXED64)) return undefined;
  return message.readDoubleLE(start + 1);
}

function isAscii(bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((bytes[i] as number) >= 0x80) return false;
  return true;
}
