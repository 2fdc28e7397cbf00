import type { IncomingMessage } from "node:http";

/** Of queries and mutations, and of the WebSocket for subscriptions. */
export const GRAPHQL_PATH = "/graphql";

export interface RequestTarget {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** A request's path as it was sent: reading it as a URL would resolve ids that look like "..". */
export function targetOf({ url = "/" }: IncomingMessage): RequestTarget {
  const mark = url.indexOf("?");
  return mark < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
}

/** Far above any bulk of reports; a client that sends more has gone wrong. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** The text of a request's body; undefined where it is larger than is accepted. Rejects when the client goes away. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return size <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString("utf8") : undefined;
}
