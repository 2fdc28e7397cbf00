import { Code, ConnectError } from "@connectrpc/connect";

/** What ends a stream that its caller would keep open: callers open it again, elsewhere. */
export function shuttingDown(): ConnectError {
  return new ConnectError("the sidecar is shutting down: call again, another will answer", Code.Unavailable);
}
