import type { CatalogPath } from "../file/catalog-fault.js";
import type { CatalogInput, IncludedCreditsInput, PlanInput } from "../file/catalog-input.js";
import type { CatalogModel, CatalogNames, EntitlementTerms, IncludedCredits, PlanDefinition } from "./catalog-model.js";
import { compileCurrency, compileFeature, compileMeters } from "./compile-features.js";
import { checkReset, compileTerms } from "./compile-terms.js";
import type { FaultList } from "./fault-list.js";

export type SharedParts = Pick<CatalogModel, "features" | "currencies" | "metersByEvent">;

/** What plans and customers rest on. */
export function compileShared(
  { features: inputs, creditCurrencies = [] }: Pick<CatalogInput, "features" | "creditCurrencies">,
  faults: FaultList,
): SharedParts {
  const features = faults.index("feature", inputs, ["features"], (feature, path) =>
    compileFeature(feature, path, faults),
  );
  const currencies = faults.index("credit currency", creditCurrencies, ["creditCurrencies"], compileCurrency);
  return { features, currencies, metersByEvent: compileMeters(inputs, ["features"], faults) };
}

export function compilePlan(
  input: PlanInput,
  names: Omit<CatalogNames, "plans">,
  path: CatalogPath,
  faults: FaultList,
): PlanDefinition {
  const entitlements = new Map<string, EntitlementTerms>();
  for (const [featureId, entitlement] of Object.entries(input.entitlements ?? {})) {
    const at = [...path, "entitlements", featureId];
    const definition = faults.lookUp("feature", names.features, featureId, at);
    if (definition === undefined) continue;
    const terms = compileTerms(entitlement, undefined, { definition, currencies: names.currencies, path: at, faults });
    if (terms !== undefined) entitlements.set(featureId, terms);
  }
  const includedCredits = compileIncludedCredits(
    input.includedCredits ?? [],
    names,
    [...path, "includedCredits"],
    faults,
  );
  return { id: input.id, entitlements, includedCredits };
}

function compileIncludedCredits(
  inputs: readonly IncludedCreditsInput[],
  names: Omit<CatalogNames, "plans">,
  path: CatalogPath,
  faults: FaultList,
): ReadonlyMap<string, IncludedCredits> {
  const included = new Map<string, IncludedCredits>();
  inputs.forEach((input, index) => {
    const at = [...path, index];
    const { currency: currencyId, amount, resetPeriod, resetAnchor = "SubscriptionStart" } = input;
    faults.lookUp("credit currency", names.currencies, currencyId, [...at, "currency"]);
    checkReset(resetPeriod, resetAnchor, at, faults);
    if (included.has(currencyId)) {
      faults.add(
        [...at, "currency"],
        `the plan includes ${JSON.stringify(currencyId)} already; put both amounts into one entry`,
      );
    }
    included.set(currencyId, {
      currencyId,
      amount,
      priority: input.priority,
      resetPeriod,
      resetAnchor,
      hasSoftLimit: input.softLimit ?? false,
    });
  });
  return included;
}
