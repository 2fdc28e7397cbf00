import type { CreditCurrency } from "../../../domain/entitlement.js";
import type { Feature, FeatureKind, FeatureType } from "../../../domain/feature.js";
import type { CatalogPath, FaultList } from "../file/catalog-fault.js";
import type {
  CatalogInput,
  CreditCurrencyInput,
  FeatureInput,
  IncludedCreditsInput,
  PlanInput,
} from "../file/catalog-input.js";
import type {
  CatalogModel,
  CatalogNames,
  EntitlementTerms,
  FeatureDefinition,
  IncludedCredits,
  MeterDefinition,
  PlanDefinition,
} from "./catalog-model.js";
import { checkReset, compileTerms } from "./compile-terms.js";

type SharedParts = Pick<CatalogModel, "features" | "currencies" | "metersByEvent">;

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

const FEATURE_TYPES: Record<FeatureKind, FeatureType> = {
  boolean: "BOOLEAN",
  numeric: "NUMBER",
  metered: "NUMBER",
  enum: "ENUM",
};

function compileFeature(input: FeatureInput, path: CatalogPath, faults: FaultList): FeatureDefinition {
  const { kind } = input;
  const onlyFor = (field: "meterType" | "meter" | "values", allowed: FeatureKind) => {
    if (input[field] === undefined || kind === allowed) return;
    faults.add(
      [...path, field],
      `"${field}" does not apply to a feature of kind ${kind}; remove it, or make the feature ${allowed}`,
    );
  };
  onlyFor("meterType", "metered");
  onlyFor("meter", "metered");
  onlyFor("values", "enum");
  return { feature: featureOf(input), kind, description: input.description, values: input.values?.slice() };
}

function featureOf(input: FeatureInput): Feature {
  return {
    id: input.id,
    displayName: input.displayName,
    featureType: FEATURE_TYPES[input.kind],
    meterType: input.kind === "metered" ? (input.meterType ?? "Incremental") : "None",
    units: input.units,
    unitsPlural: input.unitsPlural,
  };
}

function compileMeters(
  features: readonly FeatureInput[],
  path: CatalogPath,
  faults: FaultList,
): ReadonlyMap<string, readonly MeterDefinition[]> {
  const meters = new Map<string, MeterDefinition[]>();
  features.forEach(({ id, meter }, index) => {
    if (meter === undefined) return;
    const at = [...path, index, "meter"];
    if (meter.aggregation === "sum" && meter.dimension === undefined) {
      faults.add(at, 'a sum needs a "dimension" to add up; name it, or use aggregation: count');
    }
    if (meter.aggregation !== "sum" && meter.dimension !== undefined) {
      faults.add([...at, "dimension"], "a count adds up no dimension; remove it, or use aggregation: sum");
    }
    const ofEvent = meters.get(meter.event) ?? [];
    ofEvent.push({ featureId: id, sumOver: meter.dimension, where: new Map(Object.entries(meter.where ?? {})) });
    meters.set(meter.event, ofEvent);
  });
  return meters;
}

function compileCurrency(input: CreditCurrencyInput): CreditCurrency {
  return {
    currencyId: input.id,
    displayName: input.displayName ?? input.id,
    description: input.description,
    unitSingular: input.unitSingular,
    unitPlural: input.unitPlural,
    // A copy: an embedder's object may change under us.
    additionalMetaData: structuredClone(input.additionalMetaData),
  };
}
