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
