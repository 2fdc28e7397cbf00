import { AccessDeniedReason, type EntitlementV2 } from "../../../adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

const LACKS_FEATURE = AccessDeniedReason.NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION;

export interface Question {
  readonly customerId: string;
  /** Of the feature or the currency. */
  readonly id: string;
  readonly requestedUsage: number | undefined;
  readonly requestedValues: readonly string[];
  /** Whether the service knows that there is no such feature at all. */
  readonly isUnknown: boolean;
}

/** An answer in one line for people: the verdict first, then what it was made on. */
export function describeAnswer(question: Question, entitlement: EntitlementV2): string {
  const verdict = entitlement.hasAccess ? "granted" : "denied";
  const facts = [
    question.isUnknown && entitlement.accessDeniedReason === LACKS_FEATURE ? "" : reasonOf(entitlement),
    question.isUnknown ? "there is no such feature: `explain` names those like it" : "",
    factsOf(entitlement),
    requestOf(question),
    entitlement.isFallback ? "a fallback" : "",
  ];
  const details = facts.filter((fact) => fact !== "").join(", ");
  return `${verdict}: ${question.customerId} ${question.id}${details === "" ? "" : ` (${details})`}`;
}

function reasonOf({ accessDeniedReason: reason }: EntitlementV2): string {
  const name = reason === undefined ? undefined : AccessDeniedReason[reason];
  return name === undefined ? "" : name.toLowerCase().replaceAll("_", " ");
}

function factsOf({ entitlement }: EntitlementV2): string {
  switch (entitlement.case) {
    case undefined:
    case "boolean":
      return "";
    case "numeric":
      return entitlement.value.isUnlimited
        ? "unlimited"
        : entitlement.value.value === undefined
          ? ""
          : `value ${entitlement.value.value}`;
    case "enum":
      return `allowed: ${entitlement.value.enumValues.join(" ") || "nothing"}`;
    case "credit": {
      const { remaining, usageLimit, currency } = entitlement.value;
      return `${remaining} of ${usageLimit} ${currency?.unitPlural ?? "credits"} left${softLimit(entitlement.value.hasSoftLimit)}`;
    }
    case "metered": {
      const { currentUsage, usageLimit, isUnlimited, feature, hasSoftLimit } = entitlement.value;
      const units = feature?.unitsPlural === undefined ? "" : ` ${feature.unitsPlural}`;
      const limit = isUnlimited ? "unlimited" : `${usageLimit ?? 0}`;
      return `${currentUsage} of ${limit}${units} used${softLimit(hasSoftLimit === true)}`;
    }
  }
}

function softLimit(hasSoftLimit: boolean): string {
  return hasSoftLimit ? ", a soft limit" : "";
}

function requestOf({ requestedUsage, requestedValues }: Question): string {
  const parts = [];
  if (requestedUsage !== undefined) parts.push(`${requestedUsage} requested`);
  if (requestedValues.length > 0) parts.push(`requested: ${requestedValues.join(" ")}`);
  return parts.join(", ");
}
