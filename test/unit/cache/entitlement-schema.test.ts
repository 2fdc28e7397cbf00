import { expect, it } from "vitest";
import { EntitlementSchema, hashSchema } from "../../../src/adapters/cache/entitlement-schema.js";

it("is another where it does not tell of wallets, also if both had one hash", () => {
  const hash = hashSchema([], [], true);
  expect(new EntitlementSchema([], [], true, hash).isOf([], [], true)).toBe(true);
  expect(new EntitlementSchema([], [], true, hash).isOf([], [], false)).toBe(false);
});
