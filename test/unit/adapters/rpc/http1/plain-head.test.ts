import { describe, expect, it } from "@jest/globals";
import { readPlainHead } from "../../../../../src/adapters/rpc/http1/plain-head.js";

const MAX_HEADER_BYTES = 16_384;
const read = (text: string, from = 0) => readPlainHead(Buffer.from(text, "latin1"), from, MAX_HEADER_BYTES);

function head(...lines: readonly string[]): string {
  return ["POST /a HTTP/1.1", "Host: b", ...lines, "", ""].join("\r\n");
}

describe("a plain head", () => {
  it("is read with its names in lower case, its values without the spaces around them, and no length among them", () => {
    const text = head("X-Mixed-Case: \t two words \t", "X-Empty:", "CONTENT-LENGTH:  012 ");
    const digitsFrom = text.indexOf("012");
    expect(read(`before${text}body`, 6)).toEqual({
      path: "/a",
      headers: Object.assign(Object.create(null), { host: "b", "x-mixed-case": "two words", "x-empty": "" }) as object,
      bodyBytes: 12,
      bytes: text.length,
      digitsFrom,
      digitsTo: digitsFrom + 3,
    });
  });

  const whole = head("content-length: 3");
  it.each(Array.from({ length: whole.length }, (_, bytes) => bytes))("is incomplete after %i bytes", (bytes) => {
    expect(read(whole.slice(0, bytes))).toBe("incomplete");
  });

  it("may be as long as the connection's limit, and never above 4 kB", () => {
    const text = head("content-length: 3");
    expect(readPlainHead(Buffer.from(text), 0, text.length)).toBeDefined();
    expect(readPlainHead(Buffer.from(text), 0, text.length - 1)).toBeUndefined();
    const padding = (bytes: number) => head("content-length: 3", `x: ${"a".repeat(bytes - text.length - 5)}`);
    expect(read(padding(4_096))).toBeDefined();
    expect(read(padding(4_097))).toBeUndefined();
    expect(read(`POST /${"a".repeat(4_100)}`)).toBeUndefined();
  });
});

describe("is no plain head", () => {
  it.each([
    ["without a host", "POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\n"],
    ["without a length", head()],
    ["a body above 16 kB", head("content-length: 16385")],
    ["a header twice", head("content-length: 3", "x-a: 1", "X-A: 2")],
    ["an empty header twice", head("content-length: 3", "x-a:", "X-A:")],
    ["a length twice", head("content-length: 3", "content-length: 3")],
    ["a length of other than digits", head("content-length: 3a")],
    ["a length of many digits", head("content-length: 000003")],
    ["a transfer coding", head("content-length: 3", "transfer-encoding: identity")],
    ["a trailer", head("content-length: 3", "trailer: x")],
    ["an expectation", head("content-length: 3", "expect: 100-continue")],
    ["an upgrade", head("content-length: 3", "upgrade: h2c")],
    ["a connection that closes", head("content-length: 3", "connection: close")],
    ["a connection that names a header", head("content-length: 3", "connection: keep-alive, x-a")],
    ["a folded line", head("content-length: 3", "x-a: b", " c")],
    ["a bare LF", head("content-length: 3", "x-a: b\nx-b: c")],
    ["a bare CR", head("content-length: 3", "x-a: b\rx-b: c")],
    ["NUL", head("content-length: 3", "x-a: \0")],
    ["an octet above ASCII", head("content-length: 3", "x-a: \xe4")],
    ["a space before a colon", head("content-length: 3", "x-a : b")],
    ["no name", head("content-length: 3", ": b")],
    ["no colon", head("content-length: 3", "x-a")],
    ["another verb", whole("PUT /a HTTP/1.1")],
    ["another version", whole("POST /a HTTP/1.0")],
    ["a target that is no path", whole("POST http://b/a HTTP/1.1")],
    ["two spaces", whole("POST /a  HTTP/1.1")],
    ["an octet above ASCII in its path", whole("POST /\xe4 HTTP/1.1")],
    ["an empty line before it", `\r\n${whole("POST /a HTTP/1.1")}`],
    ["the beginning of another verb", "GET"],
  ])("%s", (_, text) => {
    expect(read(text)).toBeUndefined();
  });
});

function whole(line: string): string {
  return `${line}\r\nhost: b\r\ncontent-length: 3\r\n\r\n`;
}
