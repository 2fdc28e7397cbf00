import type { CreditCurrency } from "../../../domain/credit-currency.js";
import type { Feature, FeatureKind, FeatureType } from "../../../domain/feature.js";
import type { CatalogPath } from "../file/catalog-fault.js";
import type { CreditCurrencyInput, FeatureInput } from "../file/catalog-input.js";
import type { FeatureDefinition, MeterDefinition } from "./catalog-model.js";
import type { FaultList } from "./fault-list.js";

const FEATURE_TYPES: Record<FeatureKind, FeatureType> = {
  boolean: "BOOLEAN",
  numeric: "NUMBER",
  metered: "NUMBER",
  enum: "ENUM",
};

export function compileFeature(input: FeatureInput, path: CatalogPath, faults: FaultList): FeatureDefinition {
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

export function compileMeters(
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

export function compileCurrency(input: CreditCurrencyInput): CreditCurrency {
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
