import type { CreditCurrency } from "../../../domain/entitlement.js";
import type { FeatureKind } from "../../../domain/feature.js";
import type { ResetPeriod } from "../../../domain/usage/usage-period.js";
import type { CatalogPath, FaultList } from "../file/catalog-fault.js";
import type { EntitlementInput, ResetAnchor, ShortEntitlementInput } from "../file/catalog-input.js";
import type { EntitlementTerms, FeatureDefinition } from "./catalog-model.js";

const FIELDS_OF_KIND: Record<FeatureKind, readonly string[]> = {
  boolean: ["creditRate", "revoked", "validUntil"],
  numeric: ["value", "unlimited", "revoked", "validUntil"],
  metered: ["limit", "unlimited", "softLimit", "resetPeriod", "resetAnchor", "creditRate", "revoked", "validUntil"],
  enum: ["values", "revoked", "validUntil"],
};

const SHORT_FORMS: Record<FeatureKind, string> = {
  boolean: "true or false",
  numeric: 'a number, "unlimited" or false',
  metered: 'a number, "unlimited" or false',
  enum: "a list of values or false",
};

/** Where a plan or a customer says something of a feature, and what else there is to refer to. */
interface TermsContext {
  readonly definition: FeatureDefinition;
  readonly currencies: ReadonlyMap<string, CreditCurrency>;
  readonly path: CatalogPath;
  readonly faults: FaultList;
}

/**
 * What is said of a feature, on top of `base` where it overrides a plan.
 *
 * @returns undefined where it is not entitled
 */
export function compileTerms(
  input: ShortEntitlementInput | EntitlementInput,
  base: EntitlementTerms | undefined,
  context: TermsContext,
): EntitlementTerms | undefined {
  const full = inFull(input, context);
  if (full === undefined) return undefined;
  const { definition, path, faults } = context;
  const allowed = FIELDS_OF_KIND[definition.kind];
  for (const field of Object.keys(full)) {
    if (allowed.includes(field)) continue;
    faults.add(
      [...path, field],
      `"${field}" does not apply to ${describe(definition)}; fields here are ${allowed.join(", ")}`,
    );
  }
  const terms = merge(full, base, context);
  checkComplete(terms, full, context);
  checkReset(terms.resetPeriod, terms.resetAnchor, path, faults);
  return terms;
}

export function checkReset(
  period: ResetPeriod | undefined,
  anchor: ResetAnchor,
  path: CatalogPath,
  faults: FaultList,
): void {
  const wanted = anchor === "SubscriptionStart" ? period : anchor === "StartOfTheMonth" ? "MONTH" : "WEEK";
  if (wanted === period) return;
  faults.add(
    [...path, "resetAnchor"],
    `${anchor} goes with resetPeriod: ${String(wanted)}; set that, or resetAnchor: SubscriptionStart`,
  );
}

function inFull(input: ShortEntitlementInput | EntitlementInput, context: TermsContext): EntitlementInput | undefined {
  if (input === false) return undefined;
  if (typeof input === "object" && !isList(input)) return input;
  const { kind } = context.definition;
  if (input === true && kind === "boolean") return {};
  if (input === "unlimited" && (kind === "metered" || kind === "numeric")) return { unlimited: true };
  if (typeof input === "number" && kind === "metered") return { limit: input };
  if (typeof input === "number" && kind === "numeric") return { value: input };
  if (isList(input) && kind === "enum") return { values: input };
  const shown = isList(input) ? "a list" : JSON.stringify(input);
  context.faults.add(
    context.path,
    `${shown} does not fit ${describe(context.definition)}; write ${SHORT_FORMS[kind]}, or a mapping of ${FIELDS_OF_KIND[kind].join(", ")}`,
  );
  return undefined;
}

function isList(input: unknown): input is readonly string[] {
  return Array.isArray(input);
}

function merge(full: EntitlementInput, base: EntitlementTerms | undefined, context: TermsContext): EntitlementTerms {
  const { definition, currencies, path, faults } = context;
  const stated = full.limit ?? full.value;
  const rate = full.creditRate;
  if (rate !== undefined)
    faults.lookUp("credit currency", currencies, rate.currency, [...path, "creditRate", "currency"]);
  const creditRate = rate === undefined ? base?.creditRate : { amount: rate.amount, currencyId: rate.currency };
  // A limit of its own takes the plan's "unlimited" away, and the other way round.
  const usageLimit = full.unlimited === true ? undefined : (stated ?? base?.usageLimit);
  const hasUnlimitedUsage = full.unlimited ?? (stated === undefined ? (base?.hasUnlimitedUsage ?? false) : false);
  return {
    definition,
    usageLimit,
    hasUnlimitedUsage: hasUnlimitedUsage || isPaidByUse(definition.kind, full, usageLimit, creditRate !== undefined),
    hasSoftLimit: full.softLimit ?? base?.hasSoftLimit ?? false,
    enumValues: full.values === undefined ? (base?.enumValues ?? []) : [...full.values],
    creditRate,
    resetPeriod: full.resetPeriod ?? base?.resetPeriod,
    resetAnchor:
      full.resetAnchor ?? (full.resetPeriod === undefined ? base?.resetAnchor : undefined) ?? "SubscriptionStart",
    isRevoked: full.revoked ?? base?.isRevoked ?? false,
  };
}

/** Credits are limit enough. */
function isPaidByUse(kind: FeatureKind, full: EntitlementInput, limit: number | undefined, hasRate: boolean): boolean {
  return kind === "metered" && hasRate && limit === undefined && full.unlimited !== false;
}

function checkComplete(
  terms: EntitlementTerms,
  full: EntitlementInput,
  { definition, path, faults }: TermsContext,
): void {
  if (full.unlimited === true && (full.limit ?? full.value) !== undefined) {
    faults.add([...path, "unlimited"], "a limit and no limit at once; keep one of them");
  }
  const known = definition.values;
  terms.enumValues.forEach((value, index) => {
    if (known?.includes(value) === false) {
      faults.add(
        [...path, ...(full.values === undefined ? [] : ["values", index])],
        `${describe(definition)} has no value ${JSON.stringify(value)}; its values are ${known.join(", ")}`,
      );
    }
  });
  if (terms.isRevoked) return;
  const isOpen = terms.usageLimit === undefined && !terms.hasUnlimitedUsage;
  if (definition.kind === "metered" && isOpen) faults.add(path, 'how much? add "limit", or unlimited: true');
  if (definition.kind === "numeric" && isOpen) faults.add(path, 'which number? add "value", or unlimited: true');
}

function describe({ feature, kind }: FeatureDefinition): string {
  return `${kind} feature ${JSON.stringify(feature.id)}`;
}
