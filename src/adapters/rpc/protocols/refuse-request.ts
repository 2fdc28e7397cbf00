import { isUtf8 } from "node:buffer";
import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code, ConnectError } from "@connectrpc/connect";
import { codeToHttpStatus } from "@connectrpc/connect/protocol-connect";
import type { Protocol } from "../call/served-method.js";
import type { Exchange, HeaderField } from "../exchange/exchange.js";
import { quoted } from "../service/request-reader.js";
import { encodeGrpcMessage } from "./answer-headers.js";
import { failureJson } from "./fast-protocols.js";
import { NOT_UTF8 } from "./message-shape.js";

/** Refuses in plain text what no client library sends, for the person who reads it. */
export function refuse(exchange: Exchange, status: number, remedy: string, headers: readonly HeaderField[] = []): void {
  exchange.send(status, [...headers, ["content-type", "text/plain; charset=utf-8"]], `${remedy}\n`);
}

/** Fails a call in its own protocol, before its request is read. */
export function refuseCall(
  exchange: Exchange,
  protocol: Protocol,
  failure: ConnectError,
  headers: readonly HeaderField[],
): void {
  // Clients read 404 as UNIMPLEMENTED, and so does the person who mistyped a path.
  const status = failure.code === Code.Unimplemented ? 404 : codeToHttpStatus(failure.code);
  switch (protocol) {
    case "grpc":
    case "grpc-web":
    case "grpc-web-text":
      // A call without a message may have its status in the headers.
      exchange.respond(
        200,
        [
          ...headers,
          ["content-type", exchange.header("content-type") ?? "application/grpc"],
          ["grpc-status", String(failure.code)],
          ["grpc-message", encodeGrpcMessage(failure.rawMessage)],
        ],
        true,
      );
      return;
    case "connect":
    case "connect-stream":
      exchange.send(status, [...headers, ["content-type", "application/json"]], failureJson(failure));
      return;
    case "ofrep":
    case "other":
      refuse(exchange, status, failure.rawMessage, headers);
  }
}

export function unknownMethod(path: string): ConnectError {
  return new ConnectError(
    `there is no method ${quoted(path)}: call /<package>.<Service>/<Method>, for example /stigg.sidecar.v1.SidecarService/GetEntitlement`,
    Code.Unimplemented,
  );
}

/** gRPC needs trailers, which no client reads from HTTP/1.1: an answer would look like a broken one. */
export function refuseGrpcOverHttp1(exchange: Exchange): void {
  refuse(
    exchange,
    505,
    "gRPC needs HTTP/2: connect with prior knowledge (h2c), or use gRPC-web or Connect, which this port serves over HTTP/1.1 too",
  );
}

export function refuseStreamOverHttp1(exchange: Exchange, headers: readonly HeaderField[]): void {
  refuse(exchange, 505, "this method streams in both directions and needs HTTP/2", [
    ...headers,
    ["connection", "close"],
  ]);
}

export function refuseVerb(exchange: Exchange, allowed: readonly string[], headers: readonly HeaderField[]): void {
  refuse(exchange, 405, `call methods by ${allowed.join(" or ")}`, [...headers, ["allow", allowed.join(", ")]]);
}

export function refuseContentType(exchange: Exchange, isUnary: boolean, headers: readonly HeaderField[]): void {
  const contentType = exchange.header("content-type");
  const fault =
    contentType === undefined
      ? "there is no content-type"
      : `this method does not take the content-type ${quoted(contentType)}`;
  const connect = isUnary
    ? "application/json, application/proto"
    : "application/connect+json, application/connect+proto";
  refuse(
    exchange,
    415,
    `${fault}: send ${connect}, application/grpc-web, application/grpc-web-text or, by HTTP/2, application/grpc`,
    headers,
  );
}

/**
 * Refuses a call by GET that Connect would answer with nothing, or as a fault of the server's own.
 *
 * @returns whether it did
 */
export function refuseQuery(exchange: Exchange, query: string, headers: readonly HeaderField[]): boolean {
  const parameters = new URLSearchParams(query);
  const encoding = parameters.get("encoding");
  if (encoding !== "json" && encoding !== "proto") {
    const fault =
      encoding === null ? "there is no encoding in the query" : `the encoding ${quoted(encoding)} is not served`;
    refuse(exchange, 415, `${fault}: send encoding=json or encoding=proto`, headers);
    return true;
  }
  const fault = faultOfMessage(parameters, query);
  if (fault === undefined) return false;
  refuseCall(exchange, "connect", new ConnectError(fault, Code.InvalidArgument), headers);
  return true;
}

/** Of one that is compressed only that it is base64. */
function faultOfMessage(parameters: URLSearchParams, query: string): string | undefined {
  const message = parameters.get("message") ?? "";
  const isJson = parameters.get("encoding") === "json" && !parameters.has("compression");
  if (parameters.get("base64") !== "1") {
    const isReplaced = message.includes("\ufffd") && !/%ef%bf%bd/i.test(query);
    return isJson && isReplaced ? NOT_UTF8 : undefined;
  }
  try {
    const bytes = base64Decode(message);
    return isJson && !isUtf8(bytes) ? NOT_UTF8 : undefined;
  } catch {
    return "the message is not base64, as base64=1 says: encode it so, or leave base64 out";
  }
}
