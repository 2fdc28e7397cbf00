import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LedgerRecord } from "../../../src/adapters/catalog/ledger-record.js";
import { decodeStateFile, encodeRecord, STATE_FILE_HEADER } from "../../../src/adapters/catalog/state-file-format.js";
import { CodedError } from "../../../src/domain/errors.js";

const id = fc.string({ minLength: 1, unit: "binary" });
const resourceId = fc.option(id);
const number: fc.Arbitrary<number> = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0));
const initial: fc.Arbitrary<number | null> = fc.option(number);
const moment = fc.option(fc.nat());

const anyRecord: fc.Arbitrary<LedgerRecord> = fc.record({
  usage: fc.array(fc.tuple(id, resourceId, id, number, moment, initial, fc.nat()), { maxLength: 3 }),
  wallets: fc.array(fc.tuple(id, resourceId, id, fc.array(fc.tuple(id, number, moment), { maxLength: 2 }), number, initial, fc.nat()), { maxLength: 2 }),
  keys: fc.array(id, { maxLength: 3 }),
});

const anyRecords = fc.array(anyRecord, { minLength: 1, maxLength: 5 });

const write = (records: readonly LedgerRecord[]) => STATE_FILE_HEADER + records.map(encodeRecord).join("");
const read = (content: string) => [...decodeStateFile("usage.state", content)];

function readOrRefusal(content: string): readonly LedgerRecord[] | string {
  try {
    return read(content);
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    return (error as CodedError).message;
  }
}

describe("a state file", () => {
  it("tells what was written, whatever the ids", () => {
    fc.assert(
      fc.property(anyRecords, (records) => {
        expect(read(write(records))).toEqual(records);
      }),
    );
  });

  it("that was cut anywhere tells what was whole before, or is refused; never anything else", () => {
    fc.assert(
      fc.property(anyRecords, fc.double({ min: 0, max: 1, noNaN: true }), (records, share) => {
        const content = write(records);
        const found = readOrRefusal(content.slice(0, Math.floor(content.length * share)));
        if (typeof found === "string") expect(found).toMatch(/usage\.state:1 is not a usage state file; restore it from a copy, or remove it/);
        else expect(records.slice(0, found.length)).toEqual(found);
      }),
    );
  });

  it("in which anything but its last line was changed is refused", () => {
    fc.assert(
      fc.property(anyRecords, fc.nat(), fc.constantFrom("x", " ", "0", "\u0000", "\n"), (records, place, put) => {
        const content = write(records);
        const at = place % (content.length - 1);
        fc.pre(content[at] !== put);
        expect(readOrRefusal(`${content.slice(0, at)}${put}${content.slice(at + 1)}`)).toMatch(/usage\.state:\d+ is (damaged|not a usage state file)/);
      }),
    );
  });

  it.each([
    ["nothing", "", []],
    ["zeros that a power cut left behind its end", `${STATE_FILE_HEADER}${"\u0000".repeat(100)}`, []],
  ])("of %s is one to begin with", (_what, content, records) => {
    expect(read(content)).toEqual(records);
  });

  it.each([
    ["of another program", '{"some":"json"}\n', /usage\.state:1 is not a usage state file/],
    ["of one line without an end", "text", /usage\.state:1 is not a usage state file/],
    ["of a version to come", 'cff147f5 {"format":"entitlement-sidecar usage","version":2}\n', /usage\.state:1 is of version 2, and this program reads version 1/],
  ])("%s is refused with a remedy", (_what, content, message) => {
    expect(() => read(content)).toThrow(message);
  });
});
