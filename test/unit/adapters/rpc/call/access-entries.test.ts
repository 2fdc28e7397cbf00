import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { readAccessEntries } from "../../../../../src/adapters/rpc/call/access/access-entries.js";

const HASH = createHash("sha256").update("one").digest("hex");
const OTHER = createHash("sha256").update("two").digest("hex");
const TOKEN = "s3cr3t-Token-in-the-wrong-place";
const read = (text: string) => readAccessEntries("tokens.yaml", Buffer.from(text));
const entry = (fields: object) => JSON.stringify([{ name: "a", sha256: HASH, groups: "all", ...fields }]);

function faultOf(text: string | Buffer): string {
  try {
    readAccessEntries("tokens.yaml", Buffer.from(text));
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("it was accepted");
}

describe("the file of tokens", () => {
  test("is a list in YAML", () => {
    const entries = read(
      `- name: app\n  sha256: ${HASH}\n  groups: [check, report]\n- {name: admin, certificate: admin.example, groups: all}\n`,
    );
    expect(entries).toEqual([
      {
        name: "app",
        tokenHash: Buffer.from(HASH, "hex"),
        certificate: undefined,
        groups: new Set(["check", "report"]),
      },
      {
        name: "admin",
        tokenHash: undefined,
        certificate: "admin.example",
        groups: new Set(["check", "report", "reload", "health", "reflection"]),
      },
    ]);
  });

  test.each([["all"], [["all"]], [["check"]]])("may be JSON, with groups %j", (groups) => {
    expect(read(entry({ groups }))).toHaveLength(1);
  });

  test.each(["1".repeat(64), `1e${"5".repeat(62)}`, `0x${"1".repeat(62)}`])(
    "takes a hash as text that YAML would read as a number: %s",
    (sha256) => {
      const isHash = /^[\da-f]{64}$/.test(sha256);
      const text = `- name: a\n  sha256: ${sha256}\n  groups: all\n`;
      if (isHash) expect(read(text)[0]?.tokenHash?.toString("hex")).toBe(sha256);
      else expect(faultOf(text)).toContain("64 hexadecimal digits");
    },
  );

  test.each<[what: string, text: string | Buffer, said: readonly string[]]>([
    ["is no YAML", "- name: [", ["tokens.yaml", "line 1", "neither YAML nor JSON"]],
    ["is no text", Buffer.from([0xff, 0xfe]), ["UTF-8"]],
    ["is empty", "", ["no list"]],
    ["holds no list", "name: a", ["no list"]],
    ["has no entry", "[]", ["nobody could call"]],
    ["has an entry that is no mapping", `- ${TOKEN}\n`, ["line 1, entry 1", "not a mapping"]],
    ["has an entry without a name", `- sha256: ${HASH}\n  groups: all\n`, ["line 1, entry 1", "name is missing"]],
    ["has a token in place of its hash", entry({ sha256: TOKEN }), ["entry 1", "sha256sum"]],
    ["has the hash of nothing", entry({ sha256: createHash("sha256").digest("hex") }), ["an empty token"]],
    ["has neither hash nor certificate", '[{"name":"a","groups":"all"}]', ["either sha256", "certificate"]],
    ["has both", entry({ certificate: "cn" }), ["write one of the two"]],
    ["has an empty certificate", '[{"name":"a","certificate":"","groups":"all"}]', ["common name"]],
    ["has an unknown key", entry({ group: "all" }), ["unknown key group"]],
    ["has a token for a key", `- {${TOKEN}: x, name: a, sha256: ${HASH}, groups: all}\n`, ["unknown key (hidden)"]],
    ["has no groups", `[{"name":"a","sha256":"${HASH}"}]`, ["groups are missing"]],
    ["has an empty list of groups", entry({ groups: [] }), ["groups are missing"]],
    ["has an unknown group", entry({ groups: ["check", "checks"] }), ['unknown group "checks"', "reflection"]],
    ["has a key twice", `- name: a\n  name: b\n  sha256: ${HASH}\n  groups: all\n`, ["line 2", "DUPLICATE_KEY"]],
    [
      "has a name twice",
      `- {name: a, sha256: ${HASH}, groups: all}\n- {name: a, sha256: ${OTHER}, groups: all}\n`,
      ["line 2, entry 2", 'the name "a"', "entry 1"],
    ],
    [
      "has a hash twice, in another case",
      `- {name: a, sha256: ${HASH}, groups: all}\n- {name: b, sha256: ${HASH.toUpperCase()}, groups: all}\n`,
      ["line 2, entry 2", "the sha256", "entry 1"],
    ],
    [
      "has a certificate twice",
      "- {name: a, certificate: c, groups: all}\n- {name: b, certificate: c, groups: all}\n",
      ["line 2, entry 2", "the certificate"],
    ],
  ])("that %s is refused with its fault and remedy, and repeats no token", (_, text, said) => {
    const fault = faultOf(text);
    for (const part of said) expect(fault).toContain(part);
    for (const secret of [TOKEN, HASH, HASH.toUpperCase()]) expect(fault).not.toContain(secret);
  });

  test("names every fault at once, up to ten", () => {
    const fault = faultOf(
      JSON.stringify(Array.from({ length: 12 }, (_, index) => ({ name: `n${index}`, sha256: "x", groups: "all" }))),
    );
    expect(fault).toContain("12 faults");
    expect(fault).toContain("entry 10:");
    expect(fault).toContain("and 2 more");
  });
});
