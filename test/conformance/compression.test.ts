import { gunzipSync, gzipSync } from "node:zlib";
import { create, fromJsonString, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "@jest/globals";
import {
  GetEntitlementsRequestSchema,
  GetEntitlementsResponseSchema,
} from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { serveRawClients } from "./harness/raw-clients.js";
import { frame } from "./harness/raw-http2.js";

const LIST = "/stigg.sidecar.v1.SidecarService/GetEntitlements";
const JSON_REQUEST = '{"customerId":"acme"}';
const request = toBinary(GetEntitlementsRequestSchema, create(GetEntitlementsRequestSchema, { customerId: "acme" }));
const COMPRESSED = 1;

describe("gzip", () => {
  const raw = serveRawClients();

  test("of requests in Connect over HTTP/1.1, whose answers are quicker sent as they are", async () => {
    const headers = { "content-type": "application/json", "content-encoding": "gzip", "accept-encoding": "gzip" };
    const answer = await raw.http1.send(LIST, { headers, body: gzipSync(JSON_REQUEST) });
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(fromJsonString(GetEntitlementsResponseSchema, answer.text).entitlements).toHaveLength(12);
  });

  test("not for who does not take it", async () => {
    const answer = await raw.http1.send(LIST, { headers: { "content-type": "application/json" }, body: JSON_REQUEST });
    expect(answer.headers).not.toHaveProperty("content-encoding");
    expect(JSON.parse(answer.text)).toHaveProperty("entitlements");
  });

  test("both ways in gRPC", async () => {
    const headers = {
      "content-type": "application/grpc+json",
      "grpc-encoding": "gzip",
      "grpc-accept-encoding": "deflate, gzip",
    };
    const answer = await raw.http2.post(LIST, headers, frame(gzipSync(JSON_REQUEST), COMPRESSED));
    expect(answer).toMatchObject({ grpcStatus: 0, headers: { "grpc-encoding": "gzip" } });
    expect(answer.body[0]).toBe(COMPRESSED);
    const list = fromJsonString(GetEntitlementsResponseSchema, gunzipSync(answer.body.subarray(5)).toString());
    expect(list.entitlements).toHaveLength(12);
  });

  test.each(["application/grpc+json", "application/grpc-web+json"])(
    "of a request in %s whose client takes no answer in it",
    async (type) => {
      const answer = await raw.http2.post(
        LIST,
        { "content-type": type, "grpc-encoding": "gzip" },
        frame(gzipSync(JSON_REQUEST), COMPRESSED),
      );
      expect(answer.headers).not.toHaveProperty("grpc-encoding");
      expect(answer.body[0]).toBe(0);
      const list = fromJsonString(
        GetEntitlementsResponseSchema,
        answer.body.subarray(5, 5 + answer.body.readUInt32BE(1)).toString(),
      );
      expect(list.entitlements).toHaveLength(12);
    },
  );

  test("a message that is not compressed may come in a call that could be", async () => {
    const headers = { "content-type": "application/grpc", "grpc-encoding": "gzip" };
    expect(await raw.http2.post(LIST, headers, frame(request))).toMatchObject({ grpcStatus: 0 });
  });
});
