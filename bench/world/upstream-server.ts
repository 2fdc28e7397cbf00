import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { GRAPHQL_TRANSPORT_WS_PROTOCOL, type Message, MessageType } from "graphql-ws";
import { type WebSocket, WebSocketServer } from "ws";
import { Changes } from "./changes.js";
import { customerOf, featureOf, usageOf } from "./customers.js";
import { stateJsonOf } from "./state-json.js";

const STATE_PATH = /^\/v1\/c\/([^/]+)\/entitlements-state\.json$/;

export interface UpstreamOptions {
  readonly customers: number;
  /** Whether the customers of one plan have the same entitlements. */
  readonly isShared: boolean;
}

/** What it is told while it runs: changes to send, of which kind. */
export type UpstreamOrder = { readonly usagePerSecond: number } | { readonly entitlementsOf: number };

export type UpstreamReport = { readonly port: number } | { readonly sent: number };

/**
 * Upstream for as many customers as there may be: states are made as they are asked for, and changes come at whatever
 * rate is wanted. Of the vendor's interfaces it has what a sidecar uses: Edge, and the subscriptions.
 */
export function serveUpstream(): void {
  process.once("message", (options: UpstreamOptions) => {
    const changes = new Changes(options);
    const server = createServer((request, response) => answer(request, response, options));
    new WebSocketServer({ server, handleProtocols: () => GRAPHQL_TRANSPORT_WS_PROTOCOL }).on("connection", (socket) =>
      follow(socket, changes),
    );
    server.listen(0, "127.0.0.1", () => report({ port: (server.address() as AddressInfo).port }));
    process.on("message", (order: UpstreamOrder) => {
      if ("usagePerSecond" in order) changes.sendUsage(order.usagePerSecond);
      else void changes.sendEntitlements(order.entitlementsOf).then(() => report({ sent: order.entitlementsOf }));
    });
  });
  process.on("disconnect", () => process.exit());
}

function report(message: UpstreamReport): void {
  process.send?.(message);
}

function answer(request: IncomingMessage, response: ServerResponse, { isShared }: UpstreamOptions): void {
  const customer = customerOf(decodeURIComponent(STATE_PATH.exec(request.url ?? "")?.[1] ?? ""));
  if (customer !== undefined) send(response, stateJsonOf(customer, isShared, new Date()));
  else void text(request).then((body) => send(response, answerOf(body)));
}

function send(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
}

interface Reported {
  readonly customerId: string;
  readonly featureId: string;
}

/**
 * Reports are answered as upstream does, with what is used by now: each time the same as every state says, so that what is cached
 * stays what checks are compared with.
 */
function answerOf(body: string): string {
  const { operationName, variables } = (body === "" ? {} : JSON.parse(body)) as {
    readonly operationName?: string;
    readonly variables?: { readonly input?: Reported & { readonly usages?: readonly Reported[] } };
  };
  const timestamp = new Date().toISOString();
  const measured = ({ customerId, featureId }: Reported) => ({
    id: "measurement",
    customerId,
    featureId,
    currentUsage: usageOf(customerOf(customerId) ?? 0, featureOf(featureId)),
    timestamp,
  });
  const input = variables?.input;
  if (operationName === "ReportUsage" && input !== undefined)
    return JSON.stringify({ data: { reportUsage: measured(input) } });
  if (operationName === "ReportUsageBulk")
    return JSON.stringify({ data: { reportUsageBulk: (input?.usages ?? []).map(measured) } });
  return '{"data":{"sdkConfiguration":{}}}';
}

function follow(socket: WebSocket, changes: Changes): void {
  socket.on("message", (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message;
    if (message.type === MessageType.ConnectionInit) socket.send(JSON.stringify({ type: MessageType.ConnectionAck }));
    if (message.type === MessageType.Ping) socket.send(JSON.stringify({ type: MessageType.Pong }));
    if (message.type === MessageType.Subscribe) changes.subscribed(socket, message.id, message.payload.query);
  });
}
