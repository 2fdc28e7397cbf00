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

/** RFC 7541, appendix A, in its order: a name, or a name and its value. */
const LINES =
  ":authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204|:status 206|:status 304|" +
  ":status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language|accept-ranges|accept|" +
  "access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|content-language|" +
  "content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|" +
  "if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|" +
  "referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate";

/** Indices begin at 1: nothing has 0. */
export const STATIC_TABLE: readonly (Header | undefined)[] = [undefined, ...LINES.split("|").map(headerOf)];

const INDEX_OF_NAME: ReadonlyMap<string, number> = new Map(
  STATIC_TABLE.flatMap((header, index) => (header === undefined ? [] : [[header.name, index]])),
);

/** @returns an index with this name; 0 where there is none */
export function staticIndexOfName(name: string): number {
  return INDEX_OF_NAME.get(name) ?? 0;
}

function headerOf(line: string): Header {
  const space = line.indexOf(" ");
  return space === -1 ? { name: line, value: "" } : { name: line.slice(0, space), value: line.slice(space + 1) };
}

/** What a dynamic table holds unless settings say otherwise, and the most that one can hold here, octets. */
export const MAX_TABLE_BYTES = 4_096;

/** Headers without any text would be as many. */
const SLOTS = MAX_TABLE_BYTES / HEADER_OVERHEAD;
const LAST_SLOT = SLOTS - 1;

const FIRST_DYNAMIC = STATIC_TABLE.length;

/** The static and the dynamic table of one direction of one connection (RFC 7541, 2.3). */
export class HeaderTable {
  /** A ring: the newest entry comes after all others. Made with the first of them: thousands of connections have none. */
  #slots: (Header | undefined)[] | undefined;
  #newest = 0;
  #count = 0;
  #bytes = 0;
  #maxBytes = MAX_TABLE_BYTES;

  /** @returns undefined where nothing has this index */
  at(index: number): Header | undefined {
    if (index < FIRST_DYNAMIC) return STATIC_TABLE[index];
    const age = index - FIRST_DYNAMIC;
    return age < this.#count ? this.#slots?.[(this.#newest - age) & LAST_SLOT] : undefined;
  }

  /** Makes room by the eviction of the oldest. A header larger than the whole table leaves an empty one. */
  insert(header: Header): void {
    const bytes = sizeOf(header);
    this.#evictDownTo(this.#maxBytes - bytes);
    if (bytes > this.#maxBytes) return;
    this.#newest = (this.#newest + 1) & LAST_SLOT;
    this.#slots ??= new Array<Header | undefined>(SLOTS).fill(undefined);
    this.#slots[this.#newest] = header;
    this.#count++;
    this.#bytes += bytes;
  }

  /** @param maxBytes 0 to {@link MAX_TABLE_BYTES} */
  resize(maxBytes: number): void {
    if (maxBytes > MAX_TABLE_BYTES)
      throw new RangeError(`a table of headers holds no more than ${MAX_TABLE_BYTES} octets`);
    this.#maxBytes = maxBytes;
    this.#evictDownTo(maxBytes);
  }

  #evictDownTo(bytes: number): void {
    const slots = this.#slots;
    while (slots !== undefined && this.#bytes > bytes && this.#count > 0) {
      this.#count--;
      const oldest = (this.#newest - this.#count) & LAST_SLOT;
      this.#bytes -= sizeOf(slots[oldest] as Header);
      slots[oldest] = undefined;
    }
  }
}
