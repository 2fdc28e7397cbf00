import { crc32 } from "node:zlib";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { AnswerLine, LedgerRecord } from "../../../../../src/adapters/catalog/ledger/ledger-record.js";
import {
  decodeStateFile,
  encodeEnd,
  encodeRecords,
  encodeStart,
  FIRST_END,
  versionOf,
} from "../../../../../src/adapters/catalog/ledger/state-file-format.js";
import { decodeStateFileV1 } from "../../../../../src/adapters/catalog/ledger/state-file-v1.js";

const id = fc.string({ minLength: 1, unit: "binary" });
const resourceId = fc.option(id);
const number: fc.Arbitrary<number> = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Object.is(value, -0));
const amount = fc.oneof(number, fc.constant("12345678901234567e-3"));
const initial: fc.Arbitrary<number | null> = fc.option(number);
const timestamp = fc.option(fc.nat());
const credit: fc.Arbitrary<[string, number, number | null, number | null] | null> = fc.option(
  fc.tuple(id, number, timestamp, timestamp),
);
const answer: fc.Arbitrary<AnswerLine | null> = fc.option(fc.tuple(number, timestamp, timestamp, timestamp, credit));

const anyRecord: fc.Arbitrary<LedgerRecord> = fc.record({
  usage: fc.array(
    fc.tuple(id, resourceId, id, fc.array(fc.tuple(timestamp, amount), { maxLength: 2 }), initial, fc.nat()),
    { maxLength: 3 },
  ),
  wallets: fc.array(
    fc.tuple(
      id,
      resourceId,
      id,
      fc.array(fc.tuple(id, amount, timestamp), { maxLength: 2 }),
      amount,
      initial,
      fc.nat(),
    ),
    { maxLength: 2 },
  ),
  keys: fc.array(fc.tuple(id, id, answer), { maxLength: 3 }),
  unmatched: fc.array(fc.tuple(id, fc.nat()), { maxLength: 2 }),
});
const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 5 });

/** A file whose end was stated up to `stated` of its records. */
function write(records: readonly LedgerRecord[], stated = records.length, isClosed = false): Buffer {
  const known = encodeRecords(records.slice(0, stated), FIRST_END);
  const rest = encodeRecords(records.slice(stated), known.end);
  const content = Buffer.concat([encodeStart(), known.lines, rest.lines]);
  const { line, position } = encodeEnd({ ...known.end, isClosed });
  line.copy(content, position);
  return content;
}

const read = (content: Buffer) => decodeStateFile("usage.state", content);

describe("a state file", () => {
  it("says what was written, whatever the ids", () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        const content = write(records, records.length, true);
        expect(versionOf("usage.state", content)).toBe(2);
        expect(read(content)).toEqual({ records, warning: undefined });
      }),
    );
  });

  it("whose last write broke off has all that was complete, and warns of the rest", () => {
    fc.assert(
      fc.property(anyRecords, fc.nat(), fc.nat(), (records, known, cut) => {
        const stated = known % (records.length + 1);
        const content = write(records, stated);
        const safe = write(records.slice(0, stated)).length;
        const length = safe + (cut % (content.length - safe + 1));
        const found = read(content.subarray(0, length));
        expect(found.records.length).toBeGreaterThanOrEqual(stated);
        expect(records.slice(0, found.records.length)).toEqual(found.records);
        expect(found.warning).toMatch(/was not closed/);
        const unread = length - write(found.records).length;
        expect(found.warning).toMatch(
          unread === 0
            ? /are there$/
            : new RegExp(`are there; ${unread} bytes of a write that was never acknowledged are left out$`),
        );
      }),
    );
  });

  it("with zeros behind its end, as a power cut leaves them, has what is before them", () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        expect(read(Buffer.concat([write(records), Buffer.alloc(100)])).records).toEqual(records);
      }),
    );
  });

  it.each([
    ["of another program", '{"some":"json"}\n', /usage\.state:1 is not a usage state file/],
    ["of one line without an end", "text", /usage\.state:1 is not a usage state file/],
    ["of a version to come", headerOf(3), /usage\.state:1 is of version 3, and this program reads versions 1 and 2/],
  ])("%s is refused with a remedy", (_what, content, message) => {
    expect(() => versionOf("usage.state", Buffer.from(content))).toThrow(message);
    expect(() => versionOf("usage.state", Buffer.from(content))).toThrow(
      /restore it from a copy, or remove it to begin counting/,
    );
  });
});

function headerOf(version: number): string {
  return checked({ format: "entitlement-sidecar usage", version });
}

function checked(value: object): string {
  const json = JSON.stringify(value);
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

describe("a state file of version 1", () => {
  const lines = [
    headerOf(1),
    checked({
      usage: [
        ["acme", null, "calls", 3, 1_000, 1, 5],
        ["acme", "r", "seats", 0.5, null, null, 6],
      ],
      wallets: [["acme", null, "ink", [["grant 1", 2, null]], 0, null, 7]],
      keys: ["k"],
    }),
    checked({ usage: [["acme", null, "calls", 4, 1_000, 1, 8]], wallets: [], keys: ["l"] }),
  ];
  const records: readonly LedgerRecord[] = [
    {
      usage: [
        ["acme", null, "calls", [[1_000, 3]], 1, 5],
        ["acme", "r", "seats", [[null, 0.5]], null, 6],
      ],
      wallets: [["acme", null, "ink", [["grant 1", 2, null]], 0, null, 7]],
      keys: [["k", "", null]],
      unmatched: [],
    },
    { usage: [["acme", null, "calls", [[1_000, 4]], 1, 8]], wallets: [], keys: [["l", "", null]], unmatched: [] },
  ];

  it("is read, and the log says what is not known of it", () => {
    expect(versionOf("usage.state", Buffer.from(lines.join("")))).toBe(1);
    const found = decodeStateFileV1("usage.state", lines.join(""));
    expect(found.records).toEqual(records);
    expect(found.warning).toMatch(
      /is of version 1, which does not say how many records there were: 2 are read\. From now on it is of version 2/,
    );
  });

  it("is read without the end of a last line", () => {
    const found = decodeStateFileV1("usage.state", lines.join("").slice(0, -10));
    expect(found.records).toEqual(records.slice(0, 1));
    expect(found.warning).toMatch(/1 are read; \d+ characters of a write that was never acknowledged are left out/);
  });

  it("that is damaged is refused", () => {
    expect(() => decodeStateFileV1("usage.state", lines.join("").replace("acme", "acne"))).toThrow(
      /usage\.state:2 is damaged/,
    );
  });
});
