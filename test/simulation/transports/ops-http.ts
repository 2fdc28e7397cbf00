import { EventEmitter } from "node:events";

/** What stands in for the port of health and metrics: it can be had, and nobody asks. */
class OpsPort extends EventEmitter {
  listening = false;
  maxConnections = Infinity;

  listen(): void {
    this.listening = true;
    setImmediate(() => this.emit("listening"));
  }

  address(): { readonly port: number } {
    return { port: 1 };
  }

  close(): void {
    this.listening = false;
    setImmediate(() => this.emit("close"));
  }

  closeAllConnections(): void {
    // There are none.
  }

  setTimeout(): void {
    // None of them stalls.
  }
}

export function createServer(): OpsPort {
  return new OpsPort();
}
