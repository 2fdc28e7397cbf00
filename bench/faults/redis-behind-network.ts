import { type RedisServer, startRedis } from "../../test/builders/redis-servers.js";
import { TcpProxy } from "../../test/builders/tcp-proxy.js";

/** A Redis, and the network in front of it: either can fail. */
export class RedisBehindNetwork {
  readonly server: RedisServer;
  readonly network: TcpProxy;

  private constructor(server: RedisServer, network: TcpProxy) {
    this.server = server;
    this.network = network;
  }

  static async start(): Promise<RedisBehindNetwork> {
    const server = await startRedis();
    return new RedisBehindNetwork(server, await TcpProxy.to(server));
  }

  async stop(): Promise<void> {
    await this.network.stop();
    await this.server.stop();
  }
}
