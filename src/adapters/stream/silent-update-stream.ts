import type { UpdateStream } from "../../ports/change-sources.js";

/** No changes, by configuration: neither a connection nor a loss of one to tell of. */
export class SilentUpdateStream implements UpdateStream {
  start(): void {
    // Nothing will ever be reported: a connection that is never made opens no socket and no timer.
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}
