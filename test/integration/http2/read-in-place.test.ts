import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { readInPlace } from "../../../src/adapters/rpc/http2/frames/frame-reader.js";
import { eventually } from "../../support/expectations.js";
import { onTestFinished } from "../../support/on-test-finished.js";

/** Both ends of a connection. */
async function connected(): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [accepted] = (await once(server, "connection")) as [Socket];
  onTestFinished(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return { client, accepted };
}

function gathered(socket: Socket) {
  const into = { text: "", buffers: new Set<ArrayBufferLike>() };
  const isInPlace = readInPlace(socket, (bytes, length) => {
    into.text += bytes.toString("latin1", 0, length);
    into.buffers.add(bytes.buffer);
  });
  return { into, isInPlace };
}

describe("a socket that a server accepts", () => {
  it("is read into one buffer, which all connections share", async () => {
    const [one, other] = [await connected(), await connected()];
    const [first, second] = [gathered(one.accepted), gathered(other.accepted)];
    expect([first.isInPlace, second.isInPlace]).toEqual([true, true]);
    for (const [index, text] of ["a", "b", "c"].entries()) {
      one.client.write(text);
      other.client.write(text.toUpperCase());
      await eventually(() => [first.into.text, second.into.text]).toEqual([
        "abc".slice(0, index + 1),
        "ABC".slice(0, index + 1),
      ]);
    }
    expect(new Set([...first.into.buffers, ...second.into.buffers]).size).toBe(1);
  });

  it("first gives what was read before and given back", async () => {
    const { client, accepted } = await connected();
    client.write("before ");
    await once(accepted, "readable");
    accepted.unshift(accepted.read() as Buffer);
    const { into } = gathered(accepted);
    expect(into.text).toBe("");
    client.write("after");
    await eventually(() => into.text).toBe("before after");
  });

  it("is not read while it is paused", async () => {
    const { client, accepted } = await connected();
    const { into } = gathered(accepted);
    client.write("read ");
    await eventually(() => into.text).toBe("read ");
    accepted.pause();
    await new Promise<void>((done) => client.write("later", () => done()));
    const { client: marker, accepted: marked } = await connected();
    marker.write("!");
    await once(marked, "readable");
    expect(into.text).toBe("read ");
    accepted.resume();
    await eventually(() => into.text).toBe("read later");
  });

  it("ends when its peer ends it", async () => {
    const { client, accepted } = await connected();
    const { into } = gathered(accepted);
    client.end("the end");
    await once(accepted, "close");
    expect(into.text).toBe("the end");
  });
});

it("a stream of another make is read by its events", async () => {
  const stream = new PassThrough();
  const { into, isInPlace } = gathered(stream as unknown as Socket);
  expect(isInPlace).toBe(false);
  stream.end("as ever");
  await once(stream, "end");
  expect(into.text).toBe("as ever");
});
