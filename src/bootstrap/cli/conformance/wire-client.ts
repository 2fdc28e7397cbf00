import { create, type DescMethod, fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Health, HealthCheckRequestSchema } from "../../../adapters/rpc/gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../../../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import type { SidecarMethod } from "../../../adapters/rpc/service/sidecar-calls.js";

export const PROTOCOLS = ["grpc", "json"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** An answer in protobuf's JSON with all its fields, or a failure with the code that gRPC has for it. */
export type Outcome =
  { readonly answer: JsonObject } | { readonly code: string; readonly message: string; readonly httpStatus?: number };

/** One way to ask. Never rejects. */
export interface WireClient {
  call(method: SidecarMethod, request: JsonObject): Promise<Outcome>;
  callUnknownMethod(): Promise<Outcome>;
  health(service: string): Promise<Outcome>;
}

/** @param baseUrl http://host:port */
export function wireClient(protocol: Protocol, baseUrl: string, timeoutMs: number): WireClient {
  return protocol === "grpc" ? grpcClient(baseUrl, timeoutMs) : jsonClient(baseUrl, timeoutMs);
}

const UNKNOWN_METHOD = "ThereIsNoSuchMethod";

/** gRPC over HTTP/2 with prior knowledge, as the published SDKs speak it. */
function grpcClient(baseUrl: string, timeoutMs: number): WireClient {
  const transport = createGrpcTransport({ baseUrl });
  return {
    call: (method, request) => overTransport(transport, SidecarService.method[method], request, timeoutMs),
    callUnknownMethod: () =>
      overTransport(transport, { ...SidecarService.method.getEntitlements, name: UNKNOWN_METHOD }, {}, timeoutMs),
    health: async (service) => {
      try {
        const { status } = await createClient(Health, transport).check(create(HealthCheckRequestSchema, { service }), {
          timeoutMs,
        });
        return { answer: { status } };
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

async function overTransport(
  transport: Transport,
  method: DescMethod & { readonly methodKind: "unary" },
  request: JsonObject,
  timeoutMs: number,
): Promise<Outcome> {
  try {
    const { message } = await transport.unary(method, undefined, timeoutMs, undefined, fromJson(method.input, request));
    return { answer: toJson(method.output, message, { alwaysEmitImplicit: true }) as JsonObject };
  } catch (error) {
    return failureOf(error);
  }
}

function failureOf(error: unknown): Outcome {
  const { code, rawMessage } = ConnectError.from(error);
  return { code: codeName(Code[code]), message: rawMessage };
}

/** "InvalidArgument" as Connect's JSON has it: invalid_argument. */
function codeName(name: string): string {
  return name.replace(/\B[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

/** JSON in a POST, as curl and fetch speak it: no library stands between the case and the wire. */
function jsonClient(baseUrl: string, timeoutMs: number): WireClient {
  const post = async (path: string, request: JsonObject) => {
    const response = await fetch(`${baseUrl}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(request),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return { status: response.status, text: await response.text() };
  };
  const call = async (path: string, request: JsonObject, read: (json: JsonValue) => JsonObject): Promise<Outcome> => {
    try {
      const { status, text } = await post(path, request);
      if (status === 200) return { answer: read(JSON.parse(text) as JsonValue) };
      return { ...readFailure(text), httpStatus: status };
    } catch (error) {
      return { code: "no_answer", message: error instanceof Error ? error.message : String(error) };
    }
  };
  return {
    call: (method, request) => {
      const { name, output } = SidecarService.method[method];
      return call(
        `${SidecarService.typeName}/${name}`,
        request,
        (json) => toJson(output, fromJson(output, json), { alwaysEmitImplicit: true }) as JsonObject,
      );
    },
    callUnknownMethod: () => call(`${SidecarService.typeName}/${UNKNOWN_METHOD}`, {}, () => ({})),
    health: (service) =>
      call(`${Health.typeName}/${Health.method.check.name}`, { service }, (json) => {
        const { status } = fromJson(Health.method.check.output, json);
        return { status };
      }),
  };
}

function readFailure(text: string): { readonly code: string; readonly message: string } {
  try {
    const { code, message } = JSON.parse(text) as { readonly code?: unknown; readonly message?: unknown };
    if (typeof code === "string") return { code, message: typeof message === "string" ? message : "" };
  } catch {
    // Reported below: what is no JSON has no code.
  }
  return { code: "none", message: text.slice(0, 200) };
}
