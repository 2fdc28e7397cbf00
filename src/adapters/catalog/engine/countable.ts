import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import { unknownName } from "../file/catalog-fault.js";
import type {
  CatalogModel,
  CustomerDefinition,
  EntitlementTerms,
  FeatureDefinition,
  SubjectDefinition,
} from "../model/catalog-model.js";

export interface KnownSubject {
  readonly customer: CustomerDefinition;
  readonly definition: SubjectDefinition;
}

/**
 * The definition of a subject whose usage is reported.
 *
 * @throws CodedError `not-found` for what the catalog does not have, `failed-precondition` for an archived customer
 */
export function subjectToCount(model: CatalogModel, { customerId, resourceId }: Subject): KnownSubject {
  const customer = model.customers.get(customerId);
  if (customer === undefined) {
    throw new CodedError(
      "not-found",
      `there is no customer ${JSON.stringify(customerId)} in the catalog; add it, or report for one that is there`,
    );
  }
  if (customer.isArchived) {
    throw new CodedError(
      "failed-precondition",
      `customer ${JSON.stringify(customerId)} is archived; its usage is not counted until the catalog no longer says archived: true`,
    );
  }
  const definition = resourceId === undefined ? customer : customer.resources.get(resourceId);
  if (definition === undefined) {
    throw new CodedError(
      "not-found",
      `customer ${JSON.stringify(customerId)} has no resource ${JSON.stringify(resourceId)} in the catalog; add it, or report for one that is there`,
    );
  }
  return { customer, definition };
}

/** @throws CodedError `not-found` for a feature that the catalog does not have */
export function featureToCount(model: CatalogModel, featureId: string): FeatureDefinition {
  const feature = model.features.get(featureId);
  if (feature === undefined)
    throw new CodedError("not-found", unknownName("feature", featureId, model.features.keys()));
  return feature;
}

/**
 * Usage is counted of metered features, and of switches that cost credits.
 *
 * @throws CodedError `invalid-argument`
 */
export function mustBeCountable({ feature, kind }: FeatureDefinition, terms: EntitlementTerms | undefined): void {
  if (kind === "metered" || (kind === "boolean" && terms?.creditRate !== undefined)) return;
  const name = `${kind} feature ${JSON.stringify(feature.id)}`;
  throw new CodedError(
    "invalid-argument",
    `usage of ${name} cannot be counted; report usage of a metered feature, or make it kind: metered in the catalog`,
  );
}
