import { setPriority } from "node:os";
import type { UpstreamOptions, UpstreamOrder } from "../world/upstream-server.js";
import { Child } from "./child.js";

/** It shares a core with the load generator, which is not to wait for it: that would count as the server's. */
const NICENESS = 10;
/** Where it is what answers wait for: the load generator, which is never idle, would leave it half of the core or less. */
const NICENESS_IF_ASKED = -10;

/** The upstream of all sidecars under measurement. Idle while cached checks are measured. */
export class Upstream {
  readonly port: number;
  readonly #child: Child;

  private constructor(port: number, child: Child) {
    this.port = port;
    this.#child = child;
  }

  /** @param isAsked whether checks that are measured wait for it */
  static async start(options: UpstreamOptions, isAsked = false): Promise<Upstream> {
    const child = Child.part("world/upstream-server.ts", "serveUpstream", { core: "load" });
    prefer(child.pid, isAsked ? NICENESS_IF_ASKED : NICENESS);
    child.send(options);
    const { port } = (await child.message()) as { readonly port: number };
    return new Upstream(port, child);
  }

  /** Changes of usage, one after the other over all customers; 0 ends them. */
  sendUsage(usagePerSecond: number): void {
    this.#child.send({ usagePerSecond } satisfies UpstreamOrder);
  }

  /** The entitlements of the first customers, as changes to everyone who follows. */
  async sendEntitlements(entitlementsOf: number): Promise<void> {
    const sent = this.#child.message();
    this.#child.send({ entitlementsOf } satisfies UpstreamOrder);
    await sent;
  }

  /** What a service needs to be told to ask here. */
  get environment(): Readonly<Record<string, string>> {
    const url = `http://127.0.0.1:${this.port}`;
    return { SERVER_API_KEY: "server-key", API_URL: url, EDGE_API_URL: url, WS_URL: url.replace("http", "ws") };
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}

/** As far as the system allows it. */
function prefer(pid: number, niceness: number): void {
  try {
    setPriority(pid, niceness);
  } catch {
    // It shares the core as it is.
  }
}
