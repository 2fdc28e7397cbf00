import { createHash } from "node:crypto";
import { expect, it } from "@jest/globals";
import fc from "fast-check";
import { measurementIdOf, reportDigest } from "../../../../../src/adapters/catalog/engine/count-reports.js";
import type { UsageReport } from "../../../../../src/domain/usage/usage-report.js";

const REPORT: UsageReport = {
  subject: { customerId: "acme" },
  featureId: "seats",
  value: 1,
  updateBehavior: "DELTA",
  dimensions: new Map(),
  timestamp: undefined,
  idempotencyKey: "k",
};

it("a key is remembered by the first 128 bits of a SHA-256, as state files have it", () => {
  fc.assert(
    fc.property(fc.string(), (idempotencyKey) => {
      const text = JSON.stringify(["usage", "acme", null, "seats", idempotencyKey]);
      const expected = createHash("sha256").update(text).digest().subarray(0, 16).toString("base64url");
      expect(reportDigest({ ...REPORT, idempotencyKey })).toBe(expected);
    }),
  );
});

it("a measurement has the same id whenever its report is sent again, in the form of a UUID", () => {
  const id = measurementIdOf(REPORT, reportDigest(REPORT));
  expect(id).toMatch(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/);
  expect(measurementIdOf({ ...REPORT, value: 2 }, reportDigest({ ...REPORT, value: 2 }))).toBe(id);
});

it("a generated key is the id itself", () => {
  const idempotencyKey = "3b241101-e2bb-4255-8caf-4136c566a962";
  expect(measurementIdOf({ ...REPORT, idempotencyKey, keyOrigin: "generated" }, "")).toBe(idempotencyKey);
});
