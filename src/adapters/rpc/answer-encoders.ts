import type { MessageShape } from "@bufbuild/protobuf";
import type { EntitlementsList } from "../../application/list-entitlements.js";
import type { CreditDecision, CreditQuery, FeatureDecision, FeatureQuery } from "../../domain/decision.js";
import { encodeCreditDecisionV2, encodeFeatureDecision, encodeFeatureDecisionV2 } from "./encode-decision.js";
import { encodeList, encodeListV2 } from "./encode-list.js";
import {
  encodeBooleanDecision,
  encodeEnumDecision,
  encodeMeteredDecision,
  encodeNumericDecision,
} from "./encode-typed-decision.js";
import type { SidecarService } from "./gen/stigg/sidecar/v1/sidecar_pb.js";

/** The methods that answer from what is known, by their local names. */
export type CheckMethod =
  | "getBooleanEntitlement"
  | "getNumericEntitlement"
  | "getMeteredEntitlement"
  | "getEnumEntitlement"
  | "getEntitlement"
  | "getEntitlementV2"
  | "getEntitlements"
  | "getEntitlementsStateV2";

/** What each of these methods answers with: messages, or what else a protocol is served with. */
export type Answers = Readonly<Record<CheckMethod, unknown>>;

/** What makes answers of decisions. */
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
}

type Methods = typeof SidecarService.method;

export type Messages = { readonly [M in CheckMethod]: MessageShape<Methods[M]["output"]> };

export const MESSAGE_ENCODERS: AnswerEncoders<Messages> = {
  feature: encodeFeatureDecision,
  boolean: encodeBooleanDecision,
  numeric: encodeNumericDecision,
  metered: encodeMeteredDecision,
  enum: encodeEnumDecision,
  featureV2: encodeFeatureDecisionV2,
  creditV2: encodeCreditDecisionV2,
  list: encodeList,
  listV2: encodeListV2,
};
