import type { Header } from "./header.js";

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
