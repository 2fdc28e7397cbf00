import { gzipSync } from "node:zlib";
import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { GateSettings } from "../../../src/adapters/rpc/ext-authz/gate-calls.js";
import { CheckRequestSchema } from "../../../src/adapters/rpc/gen/envoy/service/auth/v3/external_auth_pb.js";
import { HealthCheckRequestSchema } from "../../../src/adapters/rpc/gen/grpc/health/v1/health_pb.js";
import { ServerReflectionRequestSchema } from "../../../src/adapters/rpc/gen/grpc/reflection/v1/reflection_pb.js";
import { GetBooleanEntitlementRequestSchema } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { SERVED_METHODS } from "../../../src/adapters/rpc/service/served-methods.js";
import { RawHttp1 } from "./raw-http1.js";
import { RawHttp2 } from "./raw-http2.js";

const SERVICE = "/stigg.sidecar.v1.SidecarService/";
const CHECK = `${SERVICE}GetBooleanEntitlement`;
const CHECK_JSON = '{"customerId":"acme","featureId":"sso"}';
const GET_CHECK = `${CHECK}?encoding=json&connect=v1&message=${encodeURIComponent(CHECK_JSON)}`;

/** One way to reach a method: by a protocol, an HTTP version, on the fast path or not. */
export interface Way {
  readonly name: string;
  /** As counters know the method. */
  readonly method: string;
  readonly http: 1 | 2;
  readonly verb?: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

function framed(message: Uint8Array, flags = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function message<D extends DescMessage>(schema: D, init: MessageInitShape<D>): Buffer {
  return Buffer.from(toBinary(schema, create(schema, init)));
}

const check = message(GetBooleanEntitlementRequestSchema, { customerId: "acme", featureId: "sso" });
const grpc = { "content-type": "application/grpc", te: "trailers" };
const web = { "content-type": "application/grpc-web+proto" };
const json = { "content-type": "application/json" };
const text = { "content-type": "application/grpc-web-text" };
const sso = { method: "GetBooleanEntitlement", path: CHECK };
const health = { method: "Health/Check", path: "/grpc.health.v1.Health/Check" };
const unknown = { method: "unknown", path: `${SERVICE}GetAnything` };

const gate = { method: "Authorization/Check", path: "/envoy.service.auth.v3.Authorization/Check" };
const gated = message(CheckRequestSchema, {
  attributes: { contextExtensions: { customer_id: "acme", feature_id: "sso" } },
});

/** How gateways are answered unless an operator says otherwise. */
export const GATE: GateSettings = {
  headers: {
    customerId: "x-customer-id",
    featureId: "x-feature-id",
    resourceId: "x-resource-id",
    requestedUsage: "x-requested-usage",
  },
  deniedStatus: undefined,
  passesUngated: false,
};

const OFREP_CONTEXT = Buffer.from('{"context":{"targetingKey":"acme"}}');

/** Every kind of request that reaches the port. */
export const EVERY_WAY: readonly Way[] = [
  { ...sso, name: "gRPC on the fast path", http: 2, headers: grpc, body: framed(check) },
  {
    ...sso,
    name: "gRPC, gzipped",
    http: 2,
    headers: { ...grpc, "grpc-encoding": "gzip" },
    body: framed(gzipSync(check), 1),
  },
  {
    ...sso,
    name: "gRPC in JSON, on the general path",
    http: 2,
    headers: { ...grpc, "content-type": "application/grpc+json" },
    body: framed(Buffer.from(CHECK_JSON)),
  },
  {
    ...sso,
    name: "gRPC with an origin, on the general path",
    http: 2,
    headers: { ...grpc, origin: "http://a" },
    body: framed(check),
  },
  {
    ...sso,
    name: "gRPC with a header twice over, on the general path",
    http: 2,
    headers: { ...grpc, host: "127.0.0.1" },
    body: framed(check),
  },
  { ...sso, name: "gRPC over HTTP/1.1", http: 1, headers: grpc, body: framed(check) },
  { ...sso, name: "gRPC-web over HTTP/1.1", http: 1, headers: web, body: framed(check) },
  { ...sso, name: "gRPC-web over HTTP/2", http: 2, headers: web, body: framed(check) },
  { ...sso, name: "gRPC-web-text", http: 1, headers: text, body: Buffer.from(framed(check).toString("base64")) },
  { ...sso, name: "Connect in JSON over HTTP/1.1", http: 1, headers: json, body: Buffer.from(CHECK_JSON) },
  { ...sso, name: "Connect in JSON over HTTP/2", http: 2, headers: json, body: Buffer.from(CHECK_JSON) },
  {
    ...sso,
    name: "Connect in JSON with an origin",
    http: 1,
    headers: { ...json, origin: "http://a" },
    body: Buffer.from(CHECK_JSON),
  },
  { ...sso, name: "Connect in protobuf", http: 2, headers: { "content-type": "application/proto" }, body: check },
  { ...sso, name: "Connect by GET over HTTP/1.1", http: 1, verb: "GET", headers: {}, path: GET_CHECK },
  { ...sso, name: "Connect by GET over HTTP/2", http: 2, verb: "GET", headers: {}, path: GET_CHECK },
  { ...sso, name: "another verb", http: 1, verb: "PUT", headers: json, body: Buffer.from(CHECK_JSON) },
  { ...sso, name: "another content type", http: 2, headers: { "content-type": "text/plain" }, body: check },
  {
    ...health,
    name: "Health/Check by gRPC",
    http: 2,
    headers: grpc,
    body: framed(message(HealthCheckRequestSchema, {})),
  },
  { ...health, name: "Health/Check by Connect", http: 1, headers: json, body: Buffer.from("{}") },
  {
    name: "Health/List by gRPC",
    method: "Health/List",
    path: "/grpc.health.v1.Health/List",
    http: 2,
    headers: grpc,
    body: framed(Buffer.alloc(0)),
  },
  {
    name: "Health/Watch of a service that there is not",
    method: "Health/Watch",
    path: "/grpc.health.v1.Health/Watch",
    http: 2,
    headers: { ...grpc, "grpc-timeout": "1m" },
    body: framed(message(HealthCheckRequestSchema, { service: "none" })),
  },
  {
    name: "reflection, v1",
    method: "ServerReflection/v1",
    path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    http: 2,
    headers: grpc,
    body: framed(message(ServerReflectionRequestSchema, { messageRequest: { case: "listServices", value: "" } })),
  },
  {
    name: "reflection, v1alpha",
    method: "ServerReflection/v1alpha",
    path: "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    http: 2,
    headers: grpc,
    body: framed(message(ServerReflectionRequestSchema, { messageRequest: { case: "listServices", value: "" } })),
  },
  { ...gate, name: "a gateway, by gRPC", http: 2, headers: grpc, body: framed(gated) },
  {
    ...gate,
    name: "a gateway, by gRPC, on the general path",
    http: 2,
    headers: { ...grpc, origin: "http://a" },
    body: framed(gated),
  },
  { ...unknown, name: "an unknown method by gRPC", http: 2, headers: grpc, body: framed(check) },
  { ...unknown, name: "an unknown method by Connect", http: 1, headers: json, body: Buffer.from("{}") },
  { ...unknown, name: "a path that is no method's", http: 1, verb: "GET", path: "/", headers: {} },
  {
    name: "OFREP, one feature, over HTTP/1.1",
    method: "Ofrep/Evaluate",
    path: "/ofrep/v1/evaluate/flags/sso",
    http: 1,
    headers: json,
    body: OFREP_CONTEXT,
  },
  {
    name: "OFREP, one feature, over HTTP/2",
    method: "Ofrep/Evaluate",
    path: "/ofrep/v1/evaluate/flags/sso?a=b",
    http: 2,
    headers: json,
    body: OFREP_CONTEXT,
  },
  {
    name: "OFREP, malformed",
    method: "Ofrep/Evaluate",
    path: "/ofrep/v1/evaluate/flags/sso",
    http: 1,
    headers: json,
    body: Buffer.from("{"),
  },
  {
    name: "OFREP, all features",
    method: "Ofrep/EvaluateAll",
    path: "/ofrep/v1/evaluate/flags",
    http: 1,
    headers: json,
    body: OFREP_CONTEXT,
  },
  {
    name: "OFREP, its configuration",
    method: "Ofrep/Configuration",
    verb: "GET",
    path: "/ofrep/v1/configuration",
    http: 2,
    headers: {},
  },
  ...SERVED_METHODS.filter(({ path }) => path.startsWith(SERVICE)).map(({ name, path }): Way => ({
    name: `${name} by gRPC, without its fields`,
    method: name,
    path,
    http: 2,
    headers: grpc,
    body: framed(Buffer.alloc(0)),
  })),
  ...SERVED_METHODS.filter(({ path }) => path.startsWith(SERVICE)).map(({ name, path }): Way => ({
    name: `${name} by Connect, malformed`,
    method: name,
    path,
    http: 1,
    headers: json,
    body: Buffer.from("{"),
  })),
];

export interface WayOutcome {
  readonly httpStatus: number;
  /** Of gRPC, however the protocol spells it; undefined where the answer has none. */
  readonly code: number | undefined;
  /** All that came back, as text. */
  readonly text: string;
}

const CONNECT_CODES: Readonly<Record<string, number>> = {
  permission_denied: 7,
  resource_exhausted: 8,
  unauthenticated: 16,
};

/** Goes one of the ways, over connections of its own. */
export async function go(
  { http, verb = "POST", path, headers, body }: Way,
  url: string,
  more: Readonly<Record<string, string>> = {},
): Promise<WayOutcome> {
  const all = { ...headers, ...more };
  if (http === 1) {
    const client = new RawHttp1(url);
    const answer = await client.send(path, { method: verb, headers: all, ...(body === undefined ? {} : { body }) });
    client.close();
    return outcome(answer.status, answer.headers["grpc-status"], answer.text, [answer.headers]);
  }
  const client = new RawHttp2(url);
  const answer = await client.post(path, { ":method": verb, ...all }, body);
  client.close();
  return outcome(Number(answer.headers[":status"]), answer.grpcStatus, answer.body.toString(), [
    answer.headers,
    answer.trailers,
  ]);
}

function outcome(httpStatus: number, grpcStatus: unknown, body: string, headers: readonly unknown[]): WayOutcome {
  const decoded = /^[A-Za-z0-9+/=]+$/.test(body) ? Buffer.from(body, "base64").toString() : body;
  const inBody = /grpc-status: (\d+)/.exec(decoded)?.[1];
  const connect = /"code":"(\w+)"/.exec(body)?.[1];
  const status = grpcStatus ?? inBody ?? (connect === undefined ? undefined : (CONNECT_CODES[connect] ?? -1));
  return {
    httpStatus,
    code: status === undefined ? undefined : Number(status),
    text: body + decoded + decodeURIComponent(JSON.stringify(headers)),
  };
}
