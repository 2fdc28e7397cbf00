import { expect, it } from "@jest/globals";
import {
  EntitlementSchema,
  hashSchema,
  type SchemaParts,
} from "../../../../../src/adapters/cache/memory/entitlement-schema.js";

const PARTS: SchemaParts = {
  features: [],
  credits: [],
  includesWallets: true,
  unknown: [],
  accessDeniedReason: undefined,
};

it.each([
  ["it does not tell of wallets", { ...PARTS, includesWallets: false }],
  ["a feature could not be read", { ...PARTS, unknown: [{ type: "feature" as const, id: "a" }] }],
  ["there is a reason for what is not had", { ...PARTS, accessDeniedReason: "CustomerNotFound" as const }],
])("is another where %s, also if both had one hash", (_, others) => {
  const schema = new EntitlementSchema(PARTS, hashSchema(PARTS));
  expect(schema.isOf({ ...PARTS })).toBe(true);
  expect(schema.isOf(others)).toBe(false);
});
