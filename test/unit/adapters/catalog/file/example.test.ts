import { readdirSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { openCatalog } from "../../../../../src/adapters/catalog/engine/open-catalog.js";
import { CatalogReader, readCatalogFile } from "../../../../../src/adapters/catalog/file/catalog-file.js";
import { SystemClock } from "../../../../../src/adapters/ops/system-clock.js";
import { decideFeature } from "../../../../../src/domain/decision/decide-feature.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";
import { RecordingLogger } from "../../../../fakes/recording-logger.js";

const EXAMPLES = readdirSync("examples").filter((name) => /^catalog.*\.(yaml|json)$/.test(name));

describe("the example catalogs", () => {
  it.each(EXAMPLES)("%s has no fault", async (name) => {
    const { model } = await readCatalogFile(`examples/${name}`, new SystemClock(), new CatalogReader());
    expect(model.customers.size).toBeGreaterThan(0);
  });

  it.each([
    ["customer-demo", undefined, "audit-log", undefined, undefined],
    ["customer-demo", undefined, "sso", undefined, "NoFeatureEntitlementInSubscription"],
    ["customer-demo", undefined, "api-calls", 800, undefined],
    ["customer-demo", undefined, "api-calls", 801, "RequestedUsageExceedingLimit"],
    ["customer-demo", undefined, "seats", 100, undefined],
    ["hobbyist", undefined, "api-calls", 1, "RequestedUsageExceedingLimit"],
    ["globex", undefined, "api-calls", 3_000_000, undefined],
    ["globex", undefined, "priority-support", undefined, "Revoked"],
    ["globex", "workspace-berlin", "seats", 1, "RequestedUsageExceedingLimit"],
    ["globex", "workspace-lagos", "seats", 1, undefined],
    ["globex", "workspace-closed", "seats", 1, "NoActiveSubscription"],
    ["globex", "workspace-nowhere", "seats", 1, "CustomerResourceNotFound"],
    ["trialing", undefined, "audit-log", undefined, undefined],
    ["trial-is-over", undefined, "audit-log", undefined, "NoActiveSubscription"],
    ["trial-is-over", undefined, "export-formats", undefined, undefined],
    ["out-of-ink", undefined, "image-generation", 1, "InsufficientCredits"],
    ["lead-without-plan", undefined, "seats", undefined, "NoActiveSubscription"],
    ["initech", undefined, "sso", undefined, "CustomerIsArchived"],
    ["nobody", undefined, "sso", undefined, "CustomerNotFound"],
  ])(
    "answers of %s / %s and %s (requesting %s): %s",
    async (customerId, resourceId, featureId, requestedUsage, reason) => {
      const clock = new ManualClock(Date.UTC(2026, 5, 10, 12));
      const engine = await openCatalog({
        source: { file: "examples/catalog.yaml" },
        clock,
        logger: new RecordingLogger(),
      });
      const query = {
        featureId,
        kind: undefined,
        requestedUsage,
        requestedValues: [],
        fallback: undefined,
        fallbackWhenUnknown: false,
      };
      const decision = decideFeature(engine.stateOf({ customerId, resourceId }), query, clock.now());
      await engine.close();
      expect([decision.accessDeniedReason, decision.hasAccess]).toEqual([reason, reason === undefined]);
    },
  );
});
