import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  hasAmbiguousKeys,
  metadataKey,
  missChannel,
  missLockKey,
  plainKeyOf,
  purgedKeys,
  stateKey,
  stateKeysPrefix,
  subjectsOfKey,
  timestampKey,
  usageKey,
  writeLockKey,
} from "../../../../../../src/adapters/cache/redis/store/redis-keys.js";
import type { Subject } from "../../../../../../src/domain/subject.js";

const CUSTOMER: Subject = { customerId: "acme" };
const RESOURCE: Subject = { customerId: "acme", resourceId: "site 1" };
const SEATS = { type: "feature", id: "seats" } as const;
const INK = { type: "credit", id: "ink" } as const;

describe("the names that the published clients give to keys", () => {
  it.each([
    ["a state", stateKey("prod", CUSTOMER), "prod:c_acme"],
    ["a resource's state", stateKey("prod", RESOURCE), "prod:c_acme:r_site 1"],
    ["metadata", metadataKey("prod", CUSTOMER), "prod:c_acme:metadata"],
    ["the usage of a feature", usageKey("prod", CUSTOMER, SEATS), "prod:c_acme:f_seats"],
    ["a resource's usage", usageKey("prod", RESOURCE, SEATS), "prod:c_acme:r_site 1:f_seats"],
    ["the usage of a wallet", usageKey("prod", CUSTOMER, INK), "prod:c_acme:credit_ink"],
    ["a timestamp", timestampKey(usageKey("prod", CUSTOMER, SEATS)), "prod:c_acme:f_seats#timestamp"],
    [
      "the lock of who fetches",
      missLockKey("prod", RESOURCE),
      "prod:refetchEntityEntitlementsAfterCacheMiss-acme:site 1",
    ],
    [
      "the channel of who fetches",
      missChannel("prod", RESOURCE),
      "prod:refetchEntityEntitlementsAfterCacheMiss:acme:site 1",
    ],
    ["the lock of who writes", writeLockKey("prod", CUSTOMER), "prod-acme"],
  ])("%s", (_, key, expected) => expect(key).toBe(expected));

  it("purge leaves nothing by which the state could be taken for known", () => {
    expect(purgedKeys("prod", CUSTOMER)).toEqual([
      "prod:c_acme",
      "prod:c_acme#timestamp",
      "prod:c_acme:metadata",
      "prod:c_acme:metadata#timestamp",
    ]);
  });
});

describe("of a subject whose ids contain no mark of keys", () => {
  const PREFIX_LENGTH = stateKeysPrefix("prod").length;
  // Close to the marks, without one of them.
  const id = fc.stringMatching(/^[a-f:_#r]{0,12}$/).filter((text) => !hasAmbiguousKeys({ customerId: text }));
  const subjects = fc.record({ customerId: id, resourceId: fc.option(id, { nil: undefined }) });
  const anyId = fc.oneof(fc.string(), fc.constantFrom("a:r_b", "a:f_b", "a#timestamp", "a:metadata", ":credit_"));
  const references = fc.record({ type: fc.constantFrom("feature", "credit"), id: anyId });

  it("each key says whose it is, and whether it is of a usage", () => {
    fc.assert(
      fc.property(subjects, references, (subject, reference) => {
        const state = [stateKey("prod", subject), metadataKey("prod", subject)];
        for (const [keys, isOfUsage] of [
          [state, false],
          [[usageKey("prod", subject, reference)], true],
        ] as const)
          for (const key of keys.flatMap((value) => [value, timestampKey(value)]))
            expect(plainKeyOf(key, PREFIX_LENGTH)).toEqual({ ...subject, isOfUsage });
      }),
    );
  });
});

describe("whom a key may be of", () => {
  it.each([
    ["prod:c_acme", [CUSTOMER]],
    ["prod:c_acme#timestamp", [{ customerId: "acme#timestamp" }, CUSTOMER]],
    [
      "prod:c_acme:metadata#timestamp",
      [{ customerId: "acme:metadata#timestamp" }, { customerId: "acme:metadata" }, CUSTOMER],
    ],
    ["prod:c_a:f_b:f_c", [{ customerId: "a:f_b:f_c" }, { customerId: "a" }, { customerId: "a:f_b" }]],
    ["prod:c_a:r_b", [{ customerId: "a:r_b" }, { customerId: "a", resourceId: "b" }]],
    ["other:c_acme", []],
    [missLockKey("prod", CUSTOMER), []],
    [writeLockKey("prod", CUSTOMER), []],
  ])("%s", (key, expected) => expect(subjectsOfKey("prod", key)).toEqual(expected));

  /** Ids made of what joins ids, so that keys are as ambiguous as keys can be. */
  const awkward = fc
    .array(fc.constantFrom("a", "b", ":", ":r_", ":f_", ":credit_", ":metadata", "#timestamp", "r_"), { maxLength: 5 })
    .map((parts) => parts.join(""));
  const ids = fc.oneof(awkward, fc.string());
  const subjects: fc.Arbitrary<Subject> = fc.record({
    customerId: ids,
    resourceId: fc.option(ids, { nil: undefined }),
  });

  it("always the one that it is of, be its ids what they will", () => {
    fc.assert(
      fc.property(fc.string(), subjects, ids, (environment, subject, id) => {
        const values = [
          stateKey(environment, subject),
          metadataKey(environment, subject),
          usageKey(environment, subject, { type: "feature", id }),
          usageKey(environment, subject, { type: "credit", id }),
        ];
        for (const key of [...values, ...values.map(timestampKey)]) {
          expect(key.startsWith(stateKeysPrefix(environment))).toBe(true);
          expect(subjectsOfKey(environment, key)).toContainEqual(subject);
          expect(subjectsOfKey(environment, key, (customerId) => customerId === subject.customerId)).toContainEqual(
            subject,
          );
        }
      }),
    );
  });

  it("nobody but customers of interest", () => {
    fc.assert(
      fc.property(subjects, ids, (subject, interest) => {
        const key = stateKey("prod", subject);
        const all = subjectsOfKey("prod", key);
        expect(subjectsOfKey("prod", key, (customerId) => customerId === interest)).toEqual(
          all.filter(({ customerId }) => customerId === interest),
        );
      }),
    );
  });

  it("is notified of a key made to be ambiguous without going through all that it may mean", () => {
    const key = stateKey("prod", { customerId: ":r_:f_".repeat(5_000) });
    let asked = 0;
    expect(subjectsOfKey("prod", key, () => ++asked < 0)).toEqual([]);
    expect(asked).toBeLessThan(key.length);
  });
});
