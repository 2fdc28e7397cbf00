import { afterAll, beforeAll } from "@jest/globals";
import { RawHttp1 } from "./raw-http1.js";
import { RawHttp2 } from "./raw-http2.js";
import { type RpcServer, startRpcServer } from "./rpc-server.js";

/** A server, and a client of each HTTP; there while the tests of a `describe` run. */
export interface RawClients {
  readonly server: RpcServer;
  readonly http1: RawHttp1;
  readonly http2: RawHttp2;
}

/** Call it in a `describe`; read its fields in the tests. */
export function serveRawClients(): RawClients {
  const clients = {} as { -readonly [K in keyof RawClients]: RawClients[K] };
  beforeAll(async () => {
    clients.server = await startRpcServer();
    clients.http1 = new RawHttp1(clients.server.url);
    clients.http2 = new RawHttp2(clients.server.url);
  });
  afterAll(async () => {
    clients.http1.close();
    clients.http2.close();
    await clients.server.stop();
  });
  return clients;
}
