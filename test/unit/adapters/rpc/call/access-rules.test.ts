import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import type { AccessEntry } from "../../../../../src/adapters/rpc/call/access/access-entries.js";
import { AccessIdentity, rateLimit } from "../../../../../src/adapters/rpc/call/access/access-identity.js";
import { isLoopback, listedHosts, LOCAL_HOSTS } from "../../../../../src/adapters/rpc/call/access/cross-origin.js";
import type { Caller, Credentials } from "../../../../../src/adapters/rpc/call/served-method.js";
import { SERVED_METHODS } from "../../../../../src/adapters/rpc/service/served-methods.js";

const [METHOD] = SERVED_METHODS;
if (METHOD === undefined) throw new Error("no method is served");

function caller(name: string): Caller {
  return { name, refusal: undefined, refusals: undefined };
}

describe("hosts", () => {
  test.each([
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost:80",
    "127.0.0.1",
    "127.0.0.1:50051",
    "10.1.2.3:80",
    "[::1]",
    "[::1]:80",
    "::1",
    "[2001:DB8::1]:443",
    "sidecar",
    "sidecar_1:80",
  ])("%s is local", (authority) => {
    expect(LOCAL_HOSTS(authority)).toBe(true);
  });

  test.each([
    undefined,
    "",
    "evil.example",
    "evil.example:80",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1:80@evil.example",
    "evil.example#localhost",
    "[::1].evil.example",
    "[::1]evil",
    "127.0.0.1:evil",
    "notlocalhost.example",
    "localhost:80:80",
    "[localhost",
    "",
  ])("%s is not", (authority) => {
    expect(LOCAL_HOSTS(authority)).toBe(false);
  });

  test.each<[string, string | undefined, boolean]>([
    ["checks.internal", "checks.internal", true],
    ["checks.internal", "CHECKS.Internal.:8080", true],
    ["checks.internal", "other.internal", false],
    ["checks.internal", "x.checks.internal", false],
    ["checks.internal", "127.0.0.1", false],
    ["checks.internal", undefined, false],
    ["::1", "[::1]:80", true],
    ["[::1]", "[::1]", true],
    ["10.0.0.1", "10.0.0.1:80", true],
  ])("of the list %s, %s is allowed: %s", (listed, authority, isAllowed) => {
    expect(listedHosts([listed])(authority)).toBe(isAllowed);
  });

  test.each<[string, boolean]>([
    ["127.0.0.1", true],
    ["127.8.8.8", true],
    ["::1", true],
    ["localhost", true],
    ["::ffff:127.0.0.1", true],
    ["0.0.0.0", false],
    ["::", false],
    ["10.0.0.1", false],
    ["127.example", false],
  ])("%s is loopback: %s", (host, is) => {
    expect(isLoopback(host)).toBe(is);
  });
});

describe("the rate limit", () => {
  const limitAt = (callsPerSecond: number) => {
    const clock = { now: 0 };
    const admit = rateLimit(callsPerSecond, () => clock.now);
    const admitted = (name: string, times: number) =>
      Array.from({ length: times }, () => admit(METHOD, caller(name))).filter((refused) => refused === undefined)
        .length;
    return { clock, admit, admitted };
  };

  test.each([1, 10, 1_000])("of %i lets so many pass at once, and then so many a second", (rate) => {
    const { clock, admitted } = limitAt(rate);
    expect(admitted("a", rate + 5)).toBe(rate);
    clock.now += 1_000;
    expect(admitted("a", rate + 5)).toBe(rate);
    clock.now += 500;
    expect(admitted("a", rate + 5)).toBe(Math.floor(rate / 2));
    clock.now += 3_600_000;
    expect(admitted("a", rate + 5)).toBe(rate);
  });

  test("is each caller's own", () => {
    const { admitted } = limitAt(3);
    expect(admitted("a", 5)).toBe(3);
    expect(admitted("b", 5)).toBe(3);
  });

  test("says when to come again, by one error that is made once", () => {
    const { admit } = limitAt(1);
    admit(METHOD, caller("a"));
    const refused = admit(METHOD, caller("a"));
    expect(refused).toMatchObject({
      code: "resource-exhausted",
      message: expect.stringContaining("retry after 1000 ms"),
    });
    expect(admit(METHOD, caller("a"))).toBe(refused);
  });

  test("forgets the callers that were seen least lately, not those that call", () => {
    const { admitted } = limitAt(1);
    expect(admitted("busy", 1)).toBe(1);
    for (let index = 0; index < 50_000; index++) {
      admitted(`passer-${index}`, 1);
      if (index % 1_000 === 0) expect(admitted("busy", 1)).toBe(0);
    }
    expect(admitted("passer-0", 1)).toBe(1);
  });
});

describe("who calls", () => {
  const tokenHash = createHash("sha256").update("the-token").digest();
  const ENTRIES: AccessEntry[] = [
    { name: "by token", tokenHash, certificate: undefined, groups: new Set(["check"]) },
    { name: "by certificate", tokenHash: undefined, certificate: "client", groups: new Set(["report"]) },
  ];
  const credentials = (authorization: string | undefined, certificateName?: string): Credentials => ({
    authorization,
    authority: "localhost",
    peer: { address: "10.0.0.1", isEncrypted: certificateName !== undefined, certificateName },
  });
  const groups = (found: Caller) =>
    found.refusal === undefined
      ? SERVED_METHODS.filter(({ group }) => found.refusals?.has(group) !== true).map(({ group }) => group)
      : [];

  test.each<[string, Credentials, string, string | undefined]>([
    ["a token", credentials("Bearer the-token"), "entry by token", undefined],
    ["a token beside a certificate", credentials("Bearer the-token", "client"), "entry by token", undefined],
    ["a certificate", credentials(undefined, "client"), "entry by certificate", undefined],
    [
      "a certificate beside credentials for someone else",
      credentials("Basic abc", "client"),
      "entry by certificate",
      undefined,
    ],
    ["a wrong token beside a certificate", credentials("Bearer other", "client"), "10.0.0.1", "unauthenticated"],
    ["another certificate", credentials(undefined, "stranger"), "10.0.0.1", "unauthenticated"],
    ["nothing", credentials(undefined), "10.0.0.1", "unauthenticated"],
    ["an empty token", credentials("Bearer "), "10.0.0.1", "unauthenticated"],
    [
      "the hash in place of the token",
      credentials(`Bearer ${tokenHash.toString("hex")}`),
      "10.0.0.1",
      "unauthenticated",
    ],
  ])("is known by %s", (_, given, name, code) => {
    const identity = new AccessIdentity({ entries: { value: ENTRIES, generation: 0 } });
    for (let times = 0; times < 2; times++) {
      const found = identity.callerOf(given);
      expect(found.name).toBe(name);
      expect(found.refusal?.code).toBe(code);
    }
  });

  test("may call the groups of its entry alone", () => {
    const identity = new AccessIdentity({ entries: { value: ENTRIES, generation: 0 } });
    expect(new Set(groups(identity.callerOf(credentials("Bearer the-token"))))).toEqual(new Set(["check"]));
    expect(new Set(groups(identity.callerOf(credentials(undefined, "client"))))).toEqual(new Set(["report"]));
  });

  test("without entries is its address, and may call everything", () => {
    const found = new AccessIdentity({}).callerOf(credentials("Bearer anything"));
    expect(found.name).toBe("10.0.0.1");
    expect(groups(found)).toHaveLength(SERVED_METHODS.length);
  });

  test("is looked up anew once the entries are others", () => {
    const file = { value: ENTRIES, generation: 0 };
    const identity = new AccessIdentity({ entries: file });
    expect(identity.callerOf(credentials("Bearer the-token")).refusal).toBeUndefined();
    file.value = ENTRIES.slice(1);
    file.generation++;
    expect(identity.changes?.generation).toBe(1);
    expect(identity.callerOf(credentials("Bearer the-token")).refusal?.code).toBe("unauthenticated");
  });
});
