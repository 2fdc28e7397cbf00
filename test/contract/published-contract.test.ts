import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { PROTO_DIRECTORY, REPOSITORY } from "../support/repository.js";

const run = promisify(execFile);
const BUF = join(REPOSITORY, "node_modules/.bin/buf");
/** The proto as it was released last, written by `npm run publish:contract`. */
const PUBLISHED = join(REPOSITORY, "test/contract/published-contract.binpb");
const SIDECAR = "stigg/sidecar/v1/sidecar.proto";

/** What buf finds that would break a client of the published contract; "" where nothing does. */
async function breakingChanges(proto: string): Promise<string> {
  try {
    await run(BUF, ["breaking", proto, "--against", PUBLISHED], { cwd: REPOSITORY });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

describe("the published contract", () => {
  let copy: string;
  let text: string;
  beforeAll(async () => {
    copy = await mkdtemp(join(tmpdir(), "contract-"));
    await cp(PROTO_DIRECTORY, copy, { recursive: true });
    text = await readFile(join(copy, SIDECAR), "utf8");
  });
  afterAll(() => rm(copy, { recursive: true, force: true }));

  it("is kept by the proto", async () => {
    expect(await breakingChanges(PROTO_DIRECTORY)).toBe("");
  });

  it.each<[string, string, string, RegExp]>([
    [
      "another number of a field",
      "string customer_id = 1;",
      "string customer_id = 90;",
      /field "1" with name "customer_id"/,
    ],
    [
      "another type of a field",
      "bool has_access = 1;",
      "string has_access = 1;",
      /changed type from "bool" to "string"/,
    ],
    ["a method that is gone", "rpc ReloadEntitlements", "rpc ReloadAll", /RPC "ReloadEntitlements"/],
    ["another package of its Go stubs", 'go_package = "', 'go_package = "other/', /go_package/],
  ])("is broken by %s", async (_, before, after, said) => {
    expect(text).toContain(before);
    await writeFile(join(copy, SIDECAR), text.replace(before, after));
    expect(await breakingChanges(copy)).toMatch(said);
  });

  it("is not by a field more", async () => {
    await writeFile(
      join(copy, SIDECAR),
      text.replace("string customer_id = 1;", "string customer_id = 1;\n  string more = 99;"),
    );
    expect(await breakingChanges(copy)).toBe("");
  });
});
