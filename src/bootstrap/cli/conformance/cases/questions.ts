import type { JsonObject } from "@bufbuild/protobuf";
import type { SidecarMethod } from "../../../../adapters/rpc/service/sidecar-calls.js";
import type { ConformanceCase, Expected, Session } from "../conformance-case.js";

/** A question and what is right. */
export interface Question {
  readonly title: string;
  readonly method: SidecarMethod;
  /** The customer's name in the catalog of the suite. */
  readonly of?: string;
  readonly request: JsonObject;
  readonly expected: Expected;
}

/** Cases that ask one thing. */
export function questions(area: string, asked: readonly Question[]): readonly ConformanceCase[] {
  return asked.map(({ title, method, of = "acme", request, expected }) => ({
    area,
    title,
    run: ({ answers, who }) => answers(method, { customerId: who(of), ...request }, expected),
  }));
}

export function cases(
  area: string,
  named: readonly (readonly [title: string, run: (session: Session) => Promise<void>])[],
): readonly ConformanceCase[] {
  return named.map(([title, run]) => ({ area, title, run }));
}

/** As the wire has a reason. */
export const reason = (name: string): string => `ACCESS_DENIED_REASON_${name}`;

export const granted = { hasAccess: true, isFallback: false, accessDeniedReason: undefined } as const;
export const denied = (name: string) => ({ hasAccess: false, isFallback: false, accessDeniedReason: reason(name) });
/** A fallback that the older methods answer with says why it is one, also where it grants. */
export const fallback = (hasAccess: boolean, name = "UNKNOWN") => ({
  hasAccess,
  isFallback: true,
  accessDeniedReason: reason(name),
});

/** States as Edge has them, for what no catalog can say. */
const UPDATED_AT = "2024-03-01T00:00:00.000Z";

export interface RawFeature {
  readonly id: string;
  readonly usageLimit?: number | null;
  readonly currentUsage?: number;
  readonly accessDeniedReason?: string;
  readonly resetPeriod?: string;
  readonly anchor?: string;
  readonly periodStart?: string;
  readonly periodEnd?: string;
}

/** A metered feature. Dates are in ISO 8601. */
export function rawMetered({ id, accessDeniedReason, ...has }: RawFeature): object {
  return {
    __typename: "FeatureEntitlement",
    isGranted: accessDeniedReason === undefined,
    accessDeniedReason: accessDeniedReason ?? null,
    usageLimit: has.usageLimit === undefined ? 10 : has.usageLimit,
    hasUnlimitedUsage: false,
    hasSoftLimit: false,
    currentUsage: has.currentUsage ?? 0,
    enumValues: null,
    entitlementUpdatedAt: UPDATED_AT,
    usageUpdatedAt: UPDATED_AT,
    usagePeriodAnchor: has.anchor ?? null,
    usagePeriodStart: has.periodStart ?? null,
    usagePeriodEnd: has.periodEnd ?? null,
    resetPeriod: has.resetPeriod ?? null,
    resetPeriodConfiguration: null,
    feature: {
      __typename: "EntitlementFeature",
      refId: id,
      displayName: id,
      description: null,
      featureType: "NUMBER",
      meterType: "Incremental",
      featureUnits: null,
      featureUnitsPlural: null,
      unitTransformation: null,
    },
    creditRate: null,
    validUntil: null,
  };
}

export function rawState(entitlementsV2: readonly object[], accessDeniedReason: string | null = null): object {
  return { data: { entitlementsState: { entitlementsV2, accessDeniedReason } } };
}
