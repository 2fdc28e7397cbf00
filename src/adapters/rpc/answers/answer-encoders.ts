import type { JsonReadOptions, JsonWriteOptions, MessageShape } from "@bufbuild/protobuf";
import type { EntitlementsList } from "../../../application/check/list-entitlements.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../../domain/decision/decision.js";
import type { UsageMeasurement } from "../../../domain/usage/usage-report.js";
import type { Health, HealthCheckResponse_ServingStatus as ServingStatus } from "../gen/grpc/health/v1/health_pb.js";
import type { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";

type Methods = typeof SidecarService.method;

/** What each method answers with, by its local name ("check" is Health's): messages, or what else a protocol is served with. */
export type Answers = Readonly<Record<keyof Methods | "check", unknown>>;

/** What makes answers of outcomes. */
export interface AnswerEncoders<A extends Answers> {
  readonly feature: (decision: FeatureDecision, query: FeatureQuery) => A["getEntitlement"];
  readonly boolean: (decision: FeatureDecision, query: FeatureQuery) => A["getBooleanEntitlement"];
  readonly numeric: (decision: FeatureDecision, query: FeatureQuery) => A["getNumericEntitlement"];
  readonly metered: (decision: FeatureDecision, query: FeatureQuery) => A["getMeteredEntitlement"];
  readonly enum: (decision: FeatureDecision, query: FeatureQuery) => A["getEnumEntitlement"];
  readonly featureV2: (decision: FeatureDecision, query: FeatureQuery) => A["getEntitlementV2"];
  readonly creditV2: (decision: CreditDecision, query: CreditQuery) => A["getEntitlementV2"];
  readonly list: (list: EntitlementsList) => A["getEntitlements"];
  readonly listV2: (list: EntitlementsList) => A["getEntitlementsStateV2"];
  readonly measurement: (measurement: UsageMeasurement) => A["reportUsage"];
  readonly measurements: (measurements: readonly UsageMeasurement[]) => A["reportUsageBulk"];
  readonly empty: () => A["reportEvents"];
  readonly reload: (outcome: ReloadOutcome) => A["reloadEntitlements"];
  readonly health: (status: ServingStatus) => A["check"];
}

export interface ReloadOutcome {
  /** Whether upstream knows the customer, and the resource where one is named. */
  readonly entitledEntityExists: boolean;
}

/** Each answer as the message that its method declares. */
export type Messages = { readonly [M in keyof Methods]: MessageShape<Methods[M]["output"]> } & {
  readonly check: MessageShape<typeof Health.method.check.output>;
};

/** Each answer as a gRPC frame: five bytes of prefix, and the message in protobuf's binary form. */
export type AnswerFrames = Readonly<Record<keyof Answers, Buffer>>;

/** Each answer in protobuf's JSON form. */
export type AnswerTexts = Readonly<Record<keyof Answers, string>>;

/**
 * For the person with curl: "hasAccess": false is there to be read, and a mistyped field is an error. Left out in
 * silence, a mistyped "updateBehavior" would add what was meant to be set.
 */
export const JSON_OPTIONS: Partial<JsonReadOptions & JsonWriteOptions> = {
  alwaysEmitImplicit: true,
  ignoreUnknownFields: false,
};
