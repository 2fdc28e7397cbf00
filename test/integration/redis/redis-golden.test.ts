import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ManualClock } from "../../fakes/manual-clock.js";
import { GOLDEN_CATALOG, GOLDEN_SUBJECTS, SERVED_AT } from "../../fixtures/redis-golden/catalog.js";
import { because } from "../../support/expectations.js";
import { ENVIRONMENT, SideBySide } from "./redis-side-by-side.js";

/** Every key and value that the published client writes for a catalog, as a file; and this project's for the same data, compared. */

const GOLDEN = fileURLToPath(new URL("../../fixtures/redis-golden/reference-3.95.0.json", import.meta.url));

interface KeptValue {
  readonly value: unknown;
  readonly expires: boolean;
}

let both: SideBySide;
let writtenByReference: Readonly<Record<string, KeptValue>>;
let writtenBySidecar: Readonly<Record<string, KeptValue>>;

/** All that Redis holds, but for locks and what tests wrote to see whether Redis is there. */
async function kept(): Promise<Record<string, KeptValue>> {
  const redis = both.redis.admin;
  const keys = (await redis.keys(`${ENVIRONMENT}:c_*`)).filter((key) => !key.includes("warm-up")).sort();
  const entries = keys.map(async (key) => {
    const [text, ttl] = await Promise.all([redis.get(key), redis.pttl(key)]);
    return [key, { value: JSON.parse(text ?? "") as unknown, expires: ttl > 0 }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

beforeAll(async () => {
  both = await SideBySide.start(GOLDEN_CATALOG, new ManualClock(SERVED_AT));
  const reference = await both.reference();
  for (const { customerId, ...rest } of GOLDEN_SUBJECTS) {
    await reference.call("getEntitlements", customerId, "resourceId" in rest ? rest.resourceId : undefined);
  }
  writtenByReference = await kept();
  await both.redis.admin.flushall();

  const sidecar = await both.sidecar();
  for (const subject of GOLDEN_SUBJECTS) await sidecar.call("getEntitlements", { ...subject });
  writtenBySidecar = await kept();
});

afterAll(() => both.stop());

it("is what the published client writes", async () => {
  const written = `${JSON.stringify(writtenByReference, undefined, 2)}\n`;
  // To take what a newer client writes: REDIS_GOLDEN_UPDATE=1.
  if (process.env["REDIS_GOLDEN_UPDATE"] === "1") await writeFile(GOLDEN, written);
  expect(written).toBe(await readFile(GOLDEN, "utf8"));
});

describe("this project's differs from it", () => {
  /** What the published clients do not know, and this project writes beside what they do. */
  const OWN_KEYS = /:metadata(#timestamp)?$|:credit_ink(#timestamp)?$/;
  /** Whose state has a wallet. */
  const PAYING = [`${ENVIRONMENT}:c_acme`, `${ENVIRONMENT}:c_acme:r_site-1`];
  const OWN_MEMBERS_OF_VALUES = ["sidecar"];
  const OWN_MEMBERS_OF_ENTITLEMENTS = ["sidecar", "usageData"];
  const OWN_MEMBERS_OF_CALCULATED = ["type", "resetPeriod", "resetPeriodConfiguration", "usagePeriodAnchor"];
  const OWN_MEMBERS_OF_FEATURES = ["displayName"];

  type Members = Record<string, unknown>;
  const without = (members: unknown, names: readonly string[]): Members =>
    Object.fromEntries(Object.entries(members as Members).filter(([name]) => !names.includes(name)));

  function asReferenceKnowsIt(entitlement: unknown): Members {
    const known = without(entitlement, OWN_MEMBERS_OF_ENTITLEMENTS);
    const calculated = without(known["calculatedEntitlement"], OWN_MEMBERS_OF_CALCULATED);
    return {
      ...known,
      calculatedEntitlement: { ...calculated, feature: without(calculated["feature"], OWN_MEMBERS_OF_FEATURES) },
    };
  }

  const isWallet = ([, entitlement]: readonly [string, unknown]) =>
    (entitlement as { calculatedEntitlement: { type?: string } }).calculatedEntitlement.type === "CREDIT";
  const isState = (key: string) => /:c_[a-z]+(:r_site-1)?$/.test(key);

  it("in keys of its own", () => {
    expect(Object.keys(writtenBySidecar).filter((key) => !OWN_KEYS.test(key))).toEqual(Object.keys(writtenByReference));
    const states = Object.keys(writtenByReference).filter(isState);
    const own = [...states.map((key) => `${key}:metadata`), ...PAYING.map((key) => `${key}:credit_ink`)];
    expect(Object.keys(writtenBySidecar).filter((key) => OWN_KEYS.test(key))).toEqual(
      own.flatMap((key) => [key, `${key}#timestamp`]).sort(),
    );
  });

  it("in members of its own, and in nothing else", () => {
    for (const [key, { value, expires }] of Object.entries(writtenByReference)) {
      const ours = writtenBySidecar[key];
      because(key, () => expect(ours?.expires).toBe(expires));
      if (typeof value === "number") because(key, () => expect(ours?.value).toBe(value));
      else if (!isState(key)) because(key, () => expect(without(ours?.value, OWN_MEMBERS_OF_VALUES)).toEqual(value));
      else {
        const features = Object.entries(ours?.value as Members).filter((entry) => !isWallet(entry));
        because(key, () =>
          expect(
            Object.fromEntries(features.map(([id, entitlement]) => [id, asReferenceKnowsIt(entitlement)])),
          ).toEqual(value),
        );
      }
    }
  });

  it("in one entitlement more: the wallet, which the published client does not know", () => {
    const wallets = Object.entries(writtenBySidecar).flatMap(([key, { value }]) =>
      isState(key)
        ? Object.entries(value as Members)
            .filter(isWallet)
            .map(([id]) => `${key} ${id}`)
        : [],
    );
    expect(wallets).toEqual(PAYING.map((key) => `${key} ink`));
  });

  it("in a record of its own, once in each value that has room for it", () => {
    for (const [key, { value }] of Object.entries(writtenBySidecar)) {
      const records = JSON.stringify(value).match(/"sidecar":/g) ?? [];
      const hasRoom = typeof value !== "number" && JSON.stringify(value) !== "{}";
      because(key, () => expect(records).toHaveLength(hasRoom ? 1 : 0));
    }
  });
});
