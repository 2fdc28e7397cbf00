import { Code } from "@connectrpc/connect";
import { encodeGrpcMessage } from "./grpc-message.js";
import type { NodeRequest, NodeResponse } from "./node-http.js";
import { quoted } from "./invalid-argument.js";
import type { Protocol } from "./protocol-of.js";

/** Refuses in plain text what no client library sends, for the person who reads it. */
export function refuse(response: NodeResponse, status: number, remedy: string, headers: Record<string, string> = {}): void {
  write(response, status, { ...headers, "content-type": "text/plain; charset=utf-8" }, `${remedy}\n`);
}

/** Tells a client, in its own protocol, that there is no such method here. */
export function refuseUnknownMethod(
  request: NodeRequest,
  response: NodeResponse,
  protocol: Protocol | undefined,
  path: string,
): void {
  const message = `there is no method ${quoted(path)}: call /<package>.<Service>/<Method>, for example /stigg.sidecar.v1.SidecarService/GetEntitlement`;
  switch (protocol) {
    case "grpc":
    case "grpc-web":
    case "grpc-web-text":
      // A call without a message may put its status into the headers.
      write(response, 200, {
        "content-type": request.headers["content-type"] ?? "application/grpc",
        "grpc-status": String(Code.Unimplemented),
        "grpc-message": encodeGrpcMessage(message),
      });
      return;
    case "connect":
    case "connect-stream":
      // Clients read 404 as UNIMPLEMENTED even where they do not read the body.
      write(response, 404, { "content-type": "application/json" }, JSON.stringify({ code: "unimplemented", message }));
      return;
    case undefined:
      refuse(response, 404, message);
  }
}

/** gRPC needs trailers, which no client reads from HTTP/1.1: an answer would look like a broken one. */
export function refuseGrpcOverHttp1(response: NodeResponse): void {
  refuse(
    response,
    505,
    "gRPC needs HTTP/2: connect with prior knowledge (h2c), or use gRPC-web or Connect, which this port serves over HTTP/1.1 too",
  );
}

export function refuseStreamOverHttp1(response: NodeResponse): void {
  refuse(response, 505, "this method streams in both directions and needs HTTP/2", { connection: "close" });
}

export function refuseVerb(response: NodeResponse, allowed: readonly string[]): void {
  refuse(response, 405, `call methods by ${allowed.join(" or ")}`, { allow: allowed.join(", ") });
}

export function refuseContentType(request: NodeRequest, response: NodeResponse, isUnary: boolean): void {
  const contentType = request.headers["content-type"];
  const fault = contentType === undefined ? "there is no content-type" : `this method does not take the content-type ${quoted(contentType)}`;
  const connect = isUnary ? "application/json, application/proto" : "application/connect+json, application/connect+proto";
  refuse(response, 415, `${fault}: send ${connect}, application/grpc-web, application/grpc-web-text or, by HTTP/2, application/grpc`);
}

function write(response: NodeResponse, status: number, headers: Record<string, string>, body?: string): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (body === undefined) response.end();
  else response.end(body);
}
