import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { GRAPHQL_TRANSPORT_WS_PROTOCOL, type Message, MessageType } from "graphql-ws";
import { type WebSocket, WebSocketServer } from "ws";
import { memoryInUse } from "../memory/memory-in-use.js";
import { freshIdOf } from "../memory/shipped.js";
import { BOOLEAN_FEATURES, customerIdOf, customerOf, featureIdOf, METERED_FEATURES } from "../world/customers.js";
import { entitlementsJsonOf } from "../world/state-json.js";
import { randomBelow } from "./random-below.js";

export interface ReferenceJob {
  readonly customers: number;
  readonly checks: number;
  readonly rounds: number;
}

export interface ReferenceFigures {
  readonly booleanPerSecond: readonly number[];
  readonly meteredPerSecond: readonly number[];
  readonly bytesPerCustomer: number;
}

interface Check {
  readonly customerId: string;
  readonly featureId: string;
}

interface PublishedClient {
  waitForInitialization(): Promise<unknown>;
  getBooleanEntitlement(check: Check): Promise<{ readonly isFallback: boolean }>;
  getMeteredEntitlement(check: Check): Promise<{ readonly isFallback: boolean }>;
}

const CUSTOMER_PATH = /^\/v1\/c\/([^/]+)\/entitlements\.json/;

/** In a process of its own, since the client changes the console: its checks of cached customers, and its memory. */
export function measureReferenceClient(): void {
  process.once("message", (job: ReferenceJob) => {
    void measure(job).then((figures) => process.send?.(figures));
  });
  process.on("disconnect", () => process.exit());
}

async function measure({ customers, checks, rounds }: ReferenceJob): Promise<ReferenceFigures> {
  const client = await connect();
  const [boolean, metered] = [featureIdOf(BOOLEAN_FEATURES[0]!), featureIdOf(METERED_FEATURES[0]!)];
  const before = memoryInUse();
  for (let customer = 0; customer < customers; customer++) {
    const { isFallback } = await client.getMeteredEntitlement({
      customerId: customerIdOf(customer),
      featureId: metered,
    });
    if (isFallback) throw new Error("the published client answered from its fallback");
  }
  const bytesPerCustomer = (memoryInUse() - before) / customers;
  const booleanPerSecond: number[] = [];
  const meteredPerSecond: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const rates = [
      await rateOf(checks, customers, (customerId) => client.getBooleanEntitlement({ customerId, featureId: boolean })),
      await rateOf(checks, customers, (customerId) => client.getMeteredEntitlement({ customerId, featureId: metered })),
    ] as const;
    // The first is for the compiler.
    if (round === 0) continue;
    booleanPerSecond.push(rates[0]);
    meteredPerSecond.push(rates[1]);
  }
  return { booleanPerSecond, meteredPerSecond, bytesPerCustomer };
}

async function rateOf(
  checks: number,
  customers: number,
  check: (customerId: string) => Promise<unknown>,
): Promise<number> {
  const customerIds = Array.from({ length: checks }, () => freshIdOf(randomBelow(customers)));
  const begun = performance.now();
  for (const customerId of customerIds) await check(customerId);
  return (checks / (performance.now() - begun)) * 1_000;
}

/** With its own server in this process, which is asked only while the cache fills. */
async function connect(): Promise<PublishedClient> {
  const now = new Date();
  const server = createServer((request, response) => {
    const customer = customerOf(decodeURIComponent(CUSTOMER_PATH.exec(request.url ?? "")?.[1] ?? ""));
    const body =
      customer === undefined
        ? '{"data":{"sdkConfiguration":{}}}'
        : `{"data":{"entitlements":${entitlementsJsonOf(customer, true, now)}}}`;
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  });
  new WebSocketServer({ server, handleProtocols: () => GRAPHQL_TRANSPORT_WS_PROTOCOL }).on("connection", keepOpen);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { Stigg } = createRequire(import.meta.url)("@stigg/node-server-sdk") as {
    readonly Stigg: { initialize(configuration: object): PublishedClient };
  };
  const client = Stigg.initialize({
    apiKey: "server-key",
    baseUri: url,
    baseEdgeUri: url,
    wsUrl: url.replace("http", "ws"),
  });
  await client.waitForInitialization();
  return client;
}

/** Without the stream of changes it caches nothing. */
function keepOpen(socket: WebSocket): void {
  socket.on("message", (data: Buffer) => {
    const { type } = JSON.parse(data.toString()) as Message;
    if (type === MessageType.ConnectionInit) socket.send(JSON.stringify({ type: MessageType.ConnectionAck }));
    if (type === MessageType.Ping) socket.send(JSON.stringify({ type: MessageType.Pong }));
  });
}
