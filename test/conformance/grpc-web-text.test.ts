import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { createEnvelopeReadableStream } from "@connectrpc/connect/protocol";
import { describe, expect, test } from "@jest/globals";
import {
  GetBooleanEntitlementRequestSchema,
  GetBooleanEntitlementResponseSchema,
} from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { serveRawClients } from "./harness/raw-clients.js";
import { CHECK_PATH, frame } from "./harness/raw-http2.js";

const check = frame(
  toBinary(
    GetBooleanEntitlementRequestSchema,
    create(GetBooleanEntitlementRequestSchema, { customerId: "acme", featureId: "sso" }),
  ),
);
const base64 = (...parts: Buffer[]) => parts.map((part) => part.toString("base64")).join("");
const TRAILER = 0x80;

describe("gRPC-web in text", () => {
  const raw = serveRawClients();

  const send = {
    "HTTP/1.1": async (contentType: string, text: string) => {
      const { status, headers, body } = await raw.http1.send(CHECK_PATH, {
        headers: { "content-type": contentType },
        body: text,
      });
      return { status, contentType: headers["content-type"], body };
    },
    "HTTP/2": async (contentType: string, text: string) => {
      const { headers, body } = await raw.http2.post(CHECK_PATH, { "content-type": contentType }, Buffer.from(text));
      return { status: headers[":status"], contentType: headers["content-type"], body };
    },
  };

  describe.each(["HTTP/1.1", "HTTP/2"] as const)("over %s", (version) => {
    test.each(["application/grpc-web-text", "application/grpc-web-text+proto", "Application/gRPC-Web-Text"])(
      "%s is answered in the same, in base64",
      async (contentType) => {
        const answer = await send[version](contentType, base64(check));
        expect(answer).toMatchObject({ status: 200, contentType: "application/grpc-web-text+proto" });
        expect(answer.body.toString()).toMatch(/^[A-Za-z0-9+/=]+$/);
        const { message, trailer } = await parse(answer.body.toString());
        expect(fromBinary(GetBooleanEntitlementResponseSchema, message)).toMatchObject({ hasAccess: true });
        expect(trailer).toContain("grpc-status: 0\r\n");
      },
    );

    test.each(Array.from(check, (_, at) => at))(
      "the body may be two padded texts, of which the first has %i bytes",
      async (at) => {
        const answer = await send[version](
          "application/grpc-web-text",
          base64(check.subarray(0, at), check.subarray(at)),
        );
        expect((await parse(answer.body.toString())).trailer).toContain("grpc-status: 0\r\n");
      },
    );

    test.each([
      ["is cut off", base64(check).slice(0, -1), "not a multiple of 4"],
      ["is no base64", "****", "characters that base64 does not"],
      ["has its padding in front", "==AA", "characters that base64 does not"],
    ])("a body that %s is an invalid argument", async (_, text, message) => {
      const { trailer } = await parse((await send[version]("application/grpc-web-text", text)).body.toString());
      expect(trailer).toContain(`grpc-status: ${Code.InvalidArgument}\r\n`);
      expect(decodeURIComponent(trailer)).toContain(message);
    });
  });

  test("the body may come character by character", async () => {
    const stream = raw.http2.session.request({
      ":method": "POST",
      ":path": CHECK_PATH,
      "content-type": "application/grpc-web-text",
    });
    for (const character of base64(check)) stream.write(character);
    stream.end();
    let text = "";
    for await (const chunk of stream) text += String(chunk);
    expect((await parse(text)).trailer).toContain("grpc-status: 0\r\n");
  });
});

/** Each padded text by itself, as clients in browsers read them. */
async function parse(text: string): Promise<{ readonly message: Uint8Array; readonly trailer: string }> {
  const bytes = Buffer.concat(text.split(/(?<==)(?!=)/).map((part) => Buffer.from(part, "base64")));
  let message: Uint8Array = new Uint8Array();
  let trailer = "";
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  for await (const { flags, data } of createEnvelopeReadableStream(source)) {
    if ((flags & TRAILER) === 0) message = data;
    else trailer = Buffer.from(data).toString();
  }
  return { message, trailer };
}
