import { InMemoryUpstream } from "../../fakes/in-memory-upstream.js";
import { ManualClock } from "../../fakes/manual-clock.js";
import { populate } from "./customers.js";
import { type RpcServer, startRpcServer } from "./rpc-server.js";

/** One of two servers that differ in nothing but the paths, and a client of it. */
export class Variant<Client extends { close(): void }> {
  readonly server: RpcServer;
  readonly client: Client;
  readonly clock: ManualClock;

  private constructor(server: RpcServer, client: Client, clock: ManualClock) {
    this.server = server;
    this.client = client;
    this.clock = clock;
  }

  static async start<Client extends { close(): void }>(
    hasFastPath: boolean,
    maxMessageBytes: number,
    clientOf: (url: string) => Client,
  ): Promise<Variant<Client>> {
    const clock = new ManualClock();
    const upstream = populate(new InMemoryUpstream());
    const server = await startRpcServer({ hasFastPath, clock, upstream, maxMessageBytes });
    return new Variant(server, clientOf(server.url), clock);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.server.stop();
  }
}
