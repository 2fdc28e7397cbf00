export interface Header {
  readonly name: string;
  readonly value: string;
}

/** HPACK's static table (RFC 7541, appendix A): a name, or a name and its value. */
const STATIC: readonly Header[] = (
  ":authority|:method GET|:method POST|:path /|:path /index.html|:scheme http|:scheme https|:status 200|:status 204|:status 206|:status 304|" +
  ":status 400|:status 404|:status 500|accept-charset|accept-encoding gzip, deflate|accept-language|accept-ranges|accept|" +
  "access-control-allow-origin|age|allow|authorization|cache-control|content-disposition|content-encoding|content-language|" +
  "content-length|content-location|content-range|content-type|cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|" +
  "if-none-match|if-range|if-unmodified-since|last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|" +
  "referer|refresh|retry-after|server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate"
)
  .split("|")
  .map((line) => {
    const space = line.indexOf(" ");
    return space === -1 ? { name: line, value: "" } : { name: line.slice(0, space), value: line.slice(space + 1) };
  });

/** What RFC 7541 counts for an entry besides its text, octets. */
const ENTRY_OVERHEAD = 32;
/** What both sides begin with, octets. */
const DEFAULT_BYTES = 4_096;

/** The static and the dynamic table of one direction of one connection. */
export class HeaderTable {
  readonly #dynamic: Header[] = [];
  #bytes = 0;
  #maxBytes = DEFAULT_BYTES;

  /** @throws Error where nothing has this index */
  at(index: number): Header {
    const header = index <= STATIC.length ? STATIC[index - 1] : this.#dynamic[index - STATIC.length - 1];
    if (header === undefined) throw new Error(`a header has the index ${index}, which nothing has`);
    return header;
  }

  /** @returns 0 where the header is not known */
  indexOf(name: string, value: string): number {
    const isIt = (header: Header) => header.name === name && header.value === value;
    const fixed = STATIC.findIndex(isIt) + 1;
    if (fixed > 0) return fixed;
    const position = this.#dynamic.findIndex(isIt);
    return position === -1 ? 0 : STATIC.length + 1 + position;
  }

  /** @returns 0 where the name is not known */
  indexOfName(name: string): number {
    return STATIC.findIndex((header) => header.name === name) + 1;
  }

  insert(header: Header): void {
    this.#dynamic.unshift(header);
    this.#bytes += sizeOf(header);
    this.#evict();
  }

  resize(bytes: number): void {
    this.#maxBytes = bytes;
    this.#evict();
  }

  #evict(): void {
    while (this.#bytes > this.#maxBytes) {
      const last = this.#dynamic.pop();
      if (last === undefined) return;
      this.#bytes -= sizeOf(last);
    }
  }
}

function sizeOf({ name, value }: Header): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}
