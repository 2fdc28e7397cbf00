import { describe, expect, test } from "@jest/globals";
import { HeaderDecoder } from "../../../../../src/adapters/rpc/http2/hpack/header-decoder.js";
import { HpackFault } from "../../../../../src/adapters/rpc/http2/hpack/header-table.js";
import { integer } from "../../../../../src/adapters/rpc/http2/hpack/header-writer.js";
import { indexed, linesOf, tableSize } from "../../../../builders/header-blocks.js";

interface Message {
  readonly headers: readonly string[];
  /** What the dynamic table holds afterwards, the newest first. */
  readonly table: readonly string[];
}

interface Example {
  readonly section: string;
  readonly messages: readonly Message[];
  /** The block of each message. */
  readonly blocks: readonly string[];
  readonly tableBytes?: number;
}

const FIRST_DYNAMIC = 62;
const FIRST_REQUEST = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
const SECOND_REQUEST = [...FIRST_REQUEST, "cache-control: no-cache"];
const THIRD_REQUEST = [
  ":method: GET",
  ":scheme: https",
  ":path: /index.html",
  ":authority: www.example.com",
  "custom-key: custom-value",
];

const DATE = "date: Mon, 21 Oct 2013 20:13:21 GMT";
const LATER = "date: Mon, 21 Oct 2013 20:13:22 GMT";
const LOCATION = "location: https://www.example.com";
const COOKIE = "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const PRIVATE = "cache-control: private";

const REQUESTS: readonly Message[] = [
  { headers: FIRST_REQUEST, table: [":authority: www.example.com"] },
  { headers: SECOND_REQUEST, table: ["cache-control: no-cache", ":authority: www.example.com"] },
  {
    headers: THIRD_REQUEST,
    table: ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"],
  },
];
/** With a table of 256 octets, which evicts with the second and the third. */
const RESPONSES: readonly Message[] = [
  { headers: [":status: 302", PRIVATE, DATE, LOCATION], table: [LOCATION, DATE, PRIVATE, ":status: 302"] },
  { headers: [":status: 307", PRIVATE, DATE, LOCATION], table: [":status: 307", LOCATION, DATE, PRIVATE] },
  {
    headers: [":status: 200", PRIVATE, LATER, LOCATION, "content-encoding: gzip", COOKIE],
    table: [COOKIE, "content-encoding: gzip", LATER],
  },
];

const EXAMPLES: readonly Example[] = [
  {
    section: "C.2.1, a literal with indexing",
    messages: [{ headers: ["custom-key: custom-header"], table: ["custom-key: custom-header"] }],
    blocks: ["400a637573746f6d2d6b65790d637573746f6d2d686561646572"],
  },
  {
    section: "C.2.2, a literal without indexing",
    messages: [{ headers: [":path: /sample/path"], table: [] }],
    blocks: ["040c2f73616d706c652f70617468"],
  },
  {
    section: "C.2.3, a literal never indexed",
    messages: [{ headers: ["password: secret"], table: [] }],
    blocks: ["100870617373776f726406736563726574"],
  },
  { section: "C.2.4, an index", messages: [{ headers: [":method: GET"], table: [] }], blocks: ["82"] },
  {
    section: "C.3, requests",
    messages: REQUESTS,
    blocks: [
      "828684410f7777772e6578616d706c652e636f6d",
      "828684be58086e6f2d6361636865",
      "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
    ],
  },
  {
    section: "C.4, requests in Huffman's code",
    messages: REQUESTS,
    blocks: [
      "828684418cf1e3c2e5f23a6ba0ab90f4ff",
      "828684be5886a8eb10649cbf",
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
    ],
  },
  {
    section: "C.5, responses",
    messages: RESPONSES,
    blocks: [
      "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d",
      "4803333037c1c0bf",
      "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31",
    ],
    tableBytes: 256,
  },
  {
    section: "C.6, responses in Huffman's code",
    messages: RESPONSES,
    blocks: [
      "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3",
      "4883640effc1c0bf",
      "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
    ],
    tableBytes: 256,
  },
];

describe("a header block means what RFC 7541 says in appendix", () => {
  test.each(EXAMPLES)("$section", ({ messages, blocks, tableBytes }) => {
    const decoder = new HeaderDecoder(65_536);
    if (tableBytes !== undefined) linesOf(decoder, tableSize(tableBytes));
    for (const [i, { headers, table }] of messages.entries()) {
      expect(linesOf(decoder, Buffer.from(blocks[i]!, "hex"))).toEqual(headers);
      expect(table.map((_, age) => linesOf(decoder, indexed(FIRST_DYNAMIC + age)))).toEqual(
        table.map((line) => [line]),
      );
    }
    const beyond = indexed(FIRST_DYNAMIC + messages.at(-1)!.table.length);
    expect(() => linesOf(decoder, beyond)).toThrow(HpackFault);
  });

  test.each([
    [8, "200"],
    [9, "204"],
    [10, "206"],
    [11, "304"],
    [12, "400"],
    [13, "404"],
    [14, "500"],
  ])("A, index %i is status %s", (index, status) => {
    expect(linesOf(new HeaderDecoder(65_536), indexed(index))).toEqual([`:status: ${status}`]);
  });

  test.each([
    [10, 5, "0a"],
    [1_337, 5, "1f9a0a"],
    [42, 8, "2a"],
  ])("C.1, the number %i in %i bits", (value, bits, octets) => {
    expect(integer(0, bits, value).toString("hex")).toBe(octets);
  });
});
