import { describe, expect, it } from "@jest/globals";
import { HeaderList } from "../../../../../src/adapters/rpc/http2/hpack/header-table.js";
import { parseHttp2Headers } from "../../../../../src/adapters/rpc/protocols/fast-path-headers.js";

const PATH = "/stigg.sidecar.v1.SidecarService/GetEntitlement";
const PSEUDO = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", PATH],
  [":authority", "127.0.0.1:50051"],
] as const;

const PEER = { address: "127.0.0.1", isEncrypted: false, certificateName: undefined };

type Fields = readonly (readonly [name: string, value: string])[];

function callOf(fields: Fields) {
  return parseHttp2Headers(
    new HeaderList(
      [...PSEUDO, ...fields].map(([name, value]) => ({ name, value })),
      false,
    ),
    PEER,
  );
}

describe("what clients send as a matter of course takes the fast path", () => {
  it.each<[client: string, fields: Fields]>([
    [
      "grpc-js",
      [
        ["grpc-accept-encoding", "identity,deflate,gzip"],
        ["accept-encoding", "identity"],
        ["user-agent", "grpc-node-js/1.14.7"],
        ["content-type", "application/grpc"],
        ["te", "trailers"],
      ],
    ],
    [
      "grpc-go",
      [
        ["content-type", "application/grpc"],
        ["user-agent", "grpc-go/1.76.0"],
        ["te", "trailers"],
        ["grpc-timeout", "999874u"],
      ],
    ],
    [
      "Python and Ruby",
      [
        ["te", "trailers"],
        ["content-type", "application/grpc"],
        ["user-agent", "grpc-python/1.76.0 grpc-c/51.0.0 (linux; chttp2)"],
        ["grpc-accept-encoding", "identity, deflate, gzip"],
      ],
    ],
    [
      "Java",
      [
        ["content-type", "application/grpc"],
        ["te", "trailers"],
        ["user-agent", "grpc-java-netty/1.76.0"],
        ["grpc-accept-encoding", "gzip"],
        ["grpc-timeout", "4999921u"],
      ],
    ],
    [
      ".NET",
      [
        ["user-agent", "grpc-dotnet/2.71.0 (.NET 9.0.0; CLR 9.0.0; net9.0; linux; x64)"],
        ["te", "trailers"],
        ["grpc-accept-encoding", "identity,gzip,deflate"],
        ["content-type", "application/grpc"],
      ],
    ],
    [
      "h2load",
      [
        ["user-agent", "h2load nghttp2/1.52.0"],
        ["content-type", "application/grpc"],
        ["te", "trailers"],
        ["content-length", "17"],
      ],
    ],
  ])("%s", (_, fields) => {
    expect(callOf(fields)).toMatchObject({ path: PATH });
  });

  it("says how long its caller waits, whether the answer's age is asked for, and how long its body is", () => {
    const plain: Fields = [["content-type", "application/grpc"]];
    expect(callOf(plain)).toMatchObject({
      path: PATH,
      protocol: "grpc",
      timeoutMs: Infinity,
      isDetailed: false,
      isGzip: false,
      contentLength: undefined,
    });
    const fields: Fields = [
      ...plain,
      ["grpc-timeout", "250m"],
      ["x-entitlement-detail", "1"],
      ["content-length", "17"],
    ];
    expect(callOf(fields)).toMatchObject({ path: PATH, timeoutMs: 250, isDetailed: true, contentLength: 17 });
  });
});

describe("each protocol is known by its headers", () => {
  it.each<[protocol: string, fields: Fields, expected: object]>([
    [
      "gRPC, gzipped",
      [
        ["content-type", "application/grpc+proto"],
        ["grpc-encoding", "gzip"],
      ],
      { protocol: "grpc", isGzip: true },
    ],
    [
      "gRPC-web",
      [
        ["content-type", "application/grpc-web+proto"],
        ["grpc-timeout", "1S"],
        ["x-grpc-web", "1"],
      ],
      { protocol: "grpc-web", timeoutMs: 1_000 },
    ],
    [
      "Connect, binary",
      [
        ["content-type", "application/proto"],
        ["connect-protocol-version", "1"],
        ["connect-timeout-ms", "70"],
      ],
      { protocol: "connect-proto", timeoutMs: 70 },
    ],
    [
      "Connect, JSON, gzipped",
      [
        ["content-type", "application/json"],
        ["content-encoding", "gzip"],
      ],
      { protocol: "connect-json", isGzip: true },
    ],
    [
      "a report with a key",
      [
        ["content-type", "application/json"],
        ["idempotency-key", "k-1"],
      ],
      { idempotencyKey: "k-1" },
    ],
    [
      "a token",
      [
        ["content-type", "application/grpc"],
        ["authorization", "Bearer x"],
      ],
      { authorization: "Bearer x", authority: "127.0.0.1:50051", peer: PEER },
    ],
  ])("%s", (_, fields, expected) => {
    expect(callOf(fields)).toMatchObject(expected);
  });

  it.each<[what: string, fields: Fields]>([
    [
      "another encoding",
      [
        ["content-type", "application/grpc"],
        ["grpc-encoding", "deflate"],
      ],
    ],
    [
      "an encoding of the other kind",
      [
        ["content-type", "application/grpc"],
        ["content-encoding", "gzip"],
      ],
    ],
    [
      "another version of Connect",
      [
        ["content-type", "application/json"],
        ["connect-protocol-version", "2"],
      ],
    ],
    ["JSON in gRPC", [["content-type", "application/grpc+json"]]],
    ["gRPC-web in base64", [["content-type", "application/grpc-web-text"]]],
    ["no protocol", [["content-type", "text/plain"]]],
    [
      "a page of another origin",
      [
        ["content-type", "application/json"],
        ["origin", "https://a.example"],
      ],
    ],
    [
      "a header twice",
      [
        ["content-type", "application/json"],
        ["content-type", "application/json"],
      ],
    ],
  ])("%s is left to the general path", (_, fields) => {
    expect(callOf(fields)).toBeUndefined();
  });
});
