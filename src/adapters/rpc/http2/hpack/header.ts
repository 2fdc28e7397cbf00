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
