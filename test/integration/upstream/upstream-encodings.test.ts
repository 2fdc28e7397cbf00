import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { HttpJson } from "../../../src/adapters/upstream/client/http-json.js";

const MAX_BYTES = 10_000;
const JSON_TEXT = JSON.stringify({ data: "é".repeat(100) });

/** Upstream is asked without saying which encodings are taken, and may choose any. */
describe("an answer that comes encoded", () => {
  let server: Server;
  let http: HttpJson;
  let answer: { readonly encoding: string; readonly bytes: Buffer };
  beforeAll(async () => {
    server = createServer((_, response) => {
      response.writeHead(200, { "content-encoding": answer.encoding }).end(answer.bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    http = new HttpJson({ name: "Edge", baseUrl, headers: {}, maxBodyBytes: MAX_BYTES });
  });
  afterAll(async () => {
    http.close();
    await new Promise((resolve) => server.close(resolve));
  });
  const ask = () => http.get("/", new AbortController().signal);

  it.each<[encoding: string, bytes: Buffer]>([
    ["gzip", gzipSync(JSON_TEXT)],
    ["GZIP", gzipSync(JSON_TEXT)],
    ["x-gzip", gzipSync(JSON_TEXT)],
    ["deflate", deflateSync(JSON_TEXT)],
    ["br", brotliCompressSync(JSON_TEXT)],
    ["identity", Buffer.from(JSON_TEXT)],
    ["identity", Buffer.from(`\uFEFF${JSON_TEXT}`)],
  ])("as %s is read", async (encoding, bytes) => {
    answer = { encoding, bytes };
    expect((await ask()).body).toEqual(JSON.parse(JSON_TEXT));
  });

  it.each<[what: string, encoding: string, bytes: Buffer]>([
    ["more than is read, once it is decoded", "gzip", gzipSync(`"${"x".repeat(MAX_BYTES)}"`)],
    ["what is cut off", "gzip", gzipSync(JSON_TEXT).subarray(0, -12)],
    ["what is not encoded so", "br", Buffer.from(JSON_TEXT)],
    ["what nobody here knows", "zstd", Buffer.from(JSON_TEXT)],
  ])("and is %s fails, naming the encoding", async (_, encoding, bytes) => {
    answer = { encoding, bytes };
    await expect(ask()).rejects.toMatchObject({
      code: "internal",
      message: expect.stringContaining(`content-encoding "${encoding}", which cannot be decoded`) as unknown as string,
    });
  });
});
