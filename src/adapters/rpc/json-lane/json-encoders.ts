import { toJsonString, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { EntitlementsList } from "../../../application/list-entitlements.js";
import type { CreditDecision, FeatureDecision } from "../../../domain/decision.js";
import { MESSAGE_ENCODERS, type AnswerEncoders, type CheckMethod } from "../answer-encoders.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { JSON_OPTIONS } from "../json-options.js";
import {
  booleanOrNumericDecisionJson,
  creditDecisionV2Json,
  enumDecisionJson,
  featureDecisionJson,
  featureDecisionV2Json,
  listJson,
  listV2Json,
  meteredDecisionJson,
} from "./json-decision.js";

/** Each answer as it goes out. */
export type Texts = Readonly<Record<CheckMethod, string>>;

const methods = SidecarService.method;
const messages = MESSAGE_ENCODERS;

/** What is known becomes JSON without becoming a message; fallbacks, which are seldom, are left to the library. */
export const JSON_ENCODERS: AnswerEncoders<Texts> = {
  feature: decision(methods.getEntitlement, featureDecisionJson, messages.feature),
  boolean: decision(methods.getBooleanEntitlement, booleanOrNumericDecisionJson, messages.boolean),
  numeric: decision(methods.getNumericEntitlement, booleanOrNumericDecisionJson, messages.numeric),
  metered: decision(methods.getMeteredEntitlement, meteredDecisionJson, messages.metered),
  enum: decision(methods.getEnumEntitlement, enumDecisionJson, messages.enum),
  featureV2: decision(methods.getEntitlementV2, featureDecisionV2Json, messages.featureV2),
  creditV2: decision(methods.getEntitlementV2, creditDecisionV2Json, messages.creditV2),
  list: list(methods.getEntitlements, listJson, messages.list),
  listV2: list(methods.getEntitlementsStateV2, listV2Json, messages.listV2),
};

function decision<D extends FeatureDecision | CreditDecision, Q, O extends DescMessage>(
  { output }: { readonly output: O },
  toPlainJson: (decision: D, query: Q) => object,
  encode: (decision: D, query: Q) => MessageShape<O>,
): (decision: D, query: Q) => string {
  return (decided, query) =>
    decided.fallback === undefined
      ? JSON.stringify(toPlainJson(decided, query))
      : toJsonString(output, encode(decided, query), JSON_OPTIONS);
}

function list<O extends DescMessage>(
  { output }: { readonly output: O },
  toPlainJson: (list: EntitlementsList) => object,
  encode: (list: EntitlementsList) => MessageShape<O>,
): (list: EntitlementsList) => string {
  return (listed) =>
    listed.fallbacks === undefined ? JSON.stringify(toPlainJson(listed)) : toJsonString(output, encode(listed), JSON_OPTIONS);
}
