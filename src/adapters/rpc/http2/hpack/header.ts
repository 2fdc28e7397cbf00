/** Text of octets, one character each. Whoever names the same entry of a table gets the same object. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** What is counted for a header besides its text (RFC 7541, 4.1 and RFC 9113, 10.5.1), octets. */
export const HEADER_OVERHEAD = 32;

/** Octets, as tables and lists of headers are measured. */
export function sizeOf({ name, value }: Header): number {
  return name.length + value.length + HEADER_OVERHEAD;
}

/** What a header block says. The same block of the same connection may be answered with the same list, again and again. */
export class HeaderList {
  /** In their order; those that fit into the limit. */
  readonly headers: readonly Header[];
  /** There were more than the limit allows. */
  readonly isTooLarge: boolean;
  /** For its reader, to note what it takes from the headers: it finds that again with the same list. */
  meaning: unknown = undefined;

  constructor(headers: readonly Header[], isTooLarge: boolean) {
    this.headers = headers;
    this.isTooLarge = isTooLarge;
  }
}

/** A header block cannot be read. What its sender and its reader know differs from then on: the connection is lost. */
export class HpackFault extends Error {
  override readonly name = "HpackFault";
}
