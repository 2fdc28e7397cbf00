import { describe, expect, it } from "@jest/globals";
import { areTrailers, readRequestHead } from "../../../../../src/adapters/rpc/http2/streams/request-head.js";

type Fields = readonly (readonly [name: string, value: string])[];

const PSEUDO: Fields = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/a"],
  [":authority", "a"],
];
const headers = (fields: Fields) => fields.map(([name, value]) => ({ name, value }));
const headOf = (...fields: Fields) => readRequestHead(headers([...PSEUDO, ...fields]));
const without = (name: string) => readRequestHead(headers(PSEUDO.filter((field) => field[0] !== name)));
const instead = (name: string, value: string) =>
  readRequestHead(headers(PSEUDO.map((field) => (field[0] === name ? [name, value] : field))));

describe("a malformed request (RFC 9113, section 8.1.1)", () => {
  it.each<[fault: string, head: unknown]>([
    ["no method", without(":method")],
    ["no path", without(":path")],
    ["no scheme", without(":scheme")],
    ["a path of nothing", instead(":path", "")],
    ["a path that is none", instead(":path", "a")],
    ["a path with a space", instead(":path", "/a b")],
    ["an asterisk for a path, but not of OPTIONS", instead(":path", "*")],
    ["a method with a space", instead(":method", "PO ST")],
    ["a pseudo-header twice", headOf([":path", "/b"])],
    ["an unknown pseudo-header", headOf([":protocol", "websocket"])],
    [
      "a pseudo-header behind the others",
      readRequestHead(headers([...PSEUDO.slice(1), ["x", "y"], [":method", "POST"]])),
    ],
    ["a header of an answer", headOf([":status", "200"])],
    ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"].map(
      (name): [string, unknown] => [name, headOf([name, "x"])],
    ),
    ["te of something else", headOf(["te", "gzip"])],
    ["a name in capitals", headOf(["X-Request", "1"])],
    ["a name with a space", headOf(["x request", "1"])],
    ["a name of nothing", headOf(["", "1"])],
    ["a value with a NUL", headOf(["x", "a\u0000b"])],
    ["a value with a line's end", headOf(["x", "a\r\nb: c"])],
    ["a value that begins with a blank", headOf(["x", " a"])],
    ["a value that ends with a tab", headOf(["x", "a\t"])],
    ["two lengths", headOf(["content-length", "3"], ["content-length", "3"])],
    ["a length that is none", headOf(["content-length", "+3"])],
  ])("%s", (_, head) => {
    expect(head).toBeUndefined();
  });
});

describe("a request", () => {
  it("says what it asks for, of whom, and how long its body is", () => {
    expect(headOf(["content-length", "17"], ["x", "y"])).toEqual({
      method: "POST",
      target: "/a",
      authority: "a",
      contentLength: 17,
      fields: [
        ["content-length", "17"],
        ["x", "y"],
      ],
    });
  });

  it("names its host by the header of HTTP/1.1 too", () => {
    expect(
      readRequestHead(headers([...PSEUDO.filter(([name]) => name !== ":authority"), ["host", "b"]]))?.authority,
    ).toBe("b");
  });

  it("has of a header that may come once the first, of others all, and the crumbs of a cookie in one", () => {
    expect(
      headOf(
        ["content-type", "a/b"],
        ["content-type", "c/d"],
        ["x", "1"],
        ["x", "2"],
        ["cookie", "a=b"],
        ["cookie", "c=d"],
      )?.fields,
    ).toEqual([
      ["content-type", "a/b"],
      ["x", "1, 2"],
      ["cookie", "a=b; c=d"],
    ]);
  });

  it.each(["", "a\tb", "\u00e9", "a, b"])("may have the value %j", (value) => {
    expect(headOf(["x", value])?.fields).toEqual([["x", value]]);
  });

  it("of CONNECT names a host and no path", () => {
    expect(
      readRequestHead(
        headers([
          [":method", "CONNECT"],
          [":authority", "a:1"],
        ]),
      ),
    ).toMatchObject({ method: "CONNECT" });
    expect(instead(":method", "CONNECT")).toBeUndefined();
  });

  it("has trailers that neither frame nor route it", () => {
    expect(areTrailers(headers([["x", "y"]]))).toBe(true);
    for (const field of [
      [":path", "/"],
      ["content-length", "3"],
      ["connection", "close"],
      ["X", "y"],
    ] as const)
      expect(areTrailers(headers([field]))).toBe(false);
  });
});
