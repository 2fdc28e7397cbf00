import type { UpdateStream } from "../../ports/update-stream.js";

/** No upstream, hence no news: neither connected nor a loss of connection to tell of. */
export class OfflineUpdateStream implements UpdateStream {
  start(): void {
    // Nothing will ever be told: a connection that is never made opens no socket and no timer.
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
