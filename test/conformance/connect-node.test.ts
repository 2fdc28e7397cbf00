import { type DescMethodUnary, fromJson, toJson } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { type ConformanceClient, describeConformance } from "./harness/run-calls.js";

const GZIP = { sendCompression: compressionGzip, acceptCompression: [compressionGzip], compressMinBytes: 0 };

const TRANSPORTS: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl }),
  "gRPC, JSON": (baseUrl) => createGrpcTransport({ baseUrl, useBinaryFormat: false }),
  "gRPC, gzip": (baseUrl) => createGrpcTransport({ baseUrl, ...GZIP }),
  "gRPC-web, HTTP/1.1": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
  "gRPC-web, HTTP/2": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
  "gRPC-web, HTTP/1.1, gzip": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", ...GZIP }),
  "Connect, HTTP/1.1": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  "Connect, HTTP/2": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  "Connect, HTTP/1.1, JSON": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
  "Connect, HTTP/2, JSON, gzip": (baseUrl) => createConnectTransport({ baseUrl, httpVersion: "2", ...GZIP }),
};

for (const [name, connect] of Object.entries(TRANSPORTS)) {
  describeConformance(`Connect's Node client: ${name}`, ({ url }) => clientOf(connect(url)));
}

function clientOf(transport: Transport): ConformanceClient {
  return {
    async call(method: DescMethodUnary, request) {
      try {
        const { message, header } = await transport.unary(
          method,
          undefined,
          undefined,
          undefined,
          fromJson(method.input, request),
        );
        const source = header.get("x-entitlement-source") ?? undefined;
        return { code: undefined, response: toJson(method.output, message), source };
      } catch (error) {
        const { code, rawMessage } = ConnectError.from(error);
        return { code: codeName(code), message: rawMessage };
      }
    },
  };
}

function codeName(code: Code): string {
  return Code[code].replace(/(?<=[a-z])(?=[A-Z])/g, "_").toLowerCase();
}
