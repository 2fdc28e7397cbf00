import { describe, expect, it } from "vitest";
import { plainCallOf } from "../../../src/adapters/rpc/fast-lane/plain-call.js";
import { HeaderList } from "../../../src/adapters/rpc/http2/hpack/header-list.js";

const PATH = "/stigg.sidecar.v1.SidecarService/GetEntitlement";
const PSEUDO = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", PATH],
  [":authority", "127.0.0.1:50051"],
] as const;

type Fields = readonly (readonly [name: string, value: string])[];

function callOf(fields: Fields) {
  return plainCallOf(new HeaderList([...PSEUDO, ...fields].map(([name, value]) => ({ name, value })), false));
}

describe("what clients send as a matter of course is a plain call", () => {
  it.each<[client: string, fields: Fields]>([
    ["grpc-js", [["grpc-accept-encoding", "identity,deflate,gzip"], ["accept-encoding", "identity"], ["user-agent", "grpc-node-js/1.14.7"], ["content-type", "application/grpc"], ["te", "trailers"]]],
    ["grpc-go", [["content-type", "application/grpc"], ["user-agent", "grpc-go/1.76.0"], ["te", "trailers"], ["grpc-timeout", "999874u"]]],
    ["Python and Ruby", [["te", "trailers"], ["content-type", "application/grpc"], ["user-agent", "grpc-python/1.76.0 grpc-c/51.0.0 (linux; chttp2)"], ["grpc-accept-encoding", "identity, deflate, gzip"]]],
    ["Java", [["content-type", "application/grpc"], ["te", "trailers"], ["user-agent", "grpc-java-netty/1.76.0"], ["grpc-accept-encoding", "gzip"], ["grpc-timeout", "4999921u"]]],
    [".NET", [["user-agent", "grpc-dotnet/2.71.0 (.NET 9.0.0; CLR 9.0.0; net9.0; linux; x64)"], ["te", "trailers"], ["grpc-accept-encoding", "identity,gzip,deflate"], ["content-type", "application/grpc"]]],
    ["h2load", [["user-agent", "h2load nghttp2/1.52.0"], ["content-type", "application/grpc"], ["te", "trailers"], ["content-length", "17"]]],
  ])("%s", (_, fields) => {
    expect(callOf(fields)).toMatchObject({ path: PATH });
  });

  it("says how long its caller waits, whether the answer's age is asked for, and how long its body is", () => {
    const plain: Fields = [["content-type", "application/grpc"]];
    expect(callOf(plain)).toEqual({ path: PATH, timeoutMs: Infinity, isDetailed: false, contentLength: undefined });
    const fields: Fields = [...plain, ["grpc-timeout", "250m"], ["x-entitlement-detail", "1"], ["content-length", "17"]];
    expect(callOf(fields)).toEqual({ path: PATH, timeoutMs: 250, isDetailed: true, contentLength: 17 });
  });
});
