import { toBinary, type DescMessage, type MessageShape } from "@bufbuild/protobuf";
import type { EntitlementsList } from "../../../application/list-entitlements.js";
import type { CreditDecision, FeatureDecision } from "../../../domain/decision.js";
import { MESSAGE_ENCODERS, type AnswerEncoders, type CheckMethod } from "../answer-encoders.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";
import { FrameWriter } from "./frame-writer.js";
import {
  writeBooleanOrNumericDecision,
  writeCreditDecisionV2,
  writeEnumDecision,
  writeFeatureDecision,
  writeFeatureDecisionV2,
  writeMeteredDecision,
} from "./write-decision.js";
import { writeList, writeListV2 } from "./write-list.js";

/** Each answer a gRPC message with its prefix, as it goes out. */
export type Frames = Readonly<Record<CheckMethod, Buffer>>;

/** What is known is written by hand; fallbacks, which are seldom, are left to the library. */
export function frameEncoders(): AnswerEncoders<Frames> {
  const writer = new FrameWriter();

  function decision<D extends FeatureDecision | CreditDecision, Q, O extends DescMessage>(
    { output }: { readonly output: O },
    write: (writer: FrameWriter, decision: D, query: Q) => void,
    encode: (decision: D, query: Q) => MessageShape<O>,
  ): (decision: D, query: Q) => Buffer {
    return (decided, query) => {
      if (decided.fallback !== undefined) return framed(toBinary(output, encode(decided, query)));
      writer.begin();
      write(writer, decided, query);
      return writer.finish();
    };
  }

  function list<O extends DescMessage>(
    { output }: { readonly output: O },
    write: (writer: FrameWriter, list: EntitlementsList) => void,
    encode: (list: EntitlementsList) => MessageShape<O>,
  ): (list: EntitlementsList) => Buffer {
    return (listed) => {
      if (listed.fallbacks !== undefined) return framed(toBinary(output, encode(listed)));
      writer.begin();
      write(writer, listed);
      return writer.finish();
    };
  }

  function framed(message: Uint8Array): Buffer {
    writer.begin();
    writer.encoded(message);
    return writer.finish();
  }

  const methods = SidecarService.method;
  const messages = MESSAGE_ENCODERS;
  return {
    feature: decision(methods.getEntitlement, writeFeatureDecision, messages.feature),
    boolean: decision(methods.getBooleanEntitlement, writeBooleanOrNumericDecision, messages.boolean),
    numeric: decision(methods.getNumericEntitlement, writeBooleanOrNumericDecision, messages.numeric),
    metered: decision(methods.getMeteredEntitlement, writeMeteredDecision, messages.metered),
    enum: decision(methods.getEnumEntitlement, writeEnumDecision, messages.enum),
    featureV2: decision(methods.getEntitlementV2, writeFeatureDecisionV2, messages.featureV2),
    creditV2: decision(methods.getEntitlementV2, writeCreditDecisionV2, messages.creditV2),
    list: list(methods.getEntitlements, writeList, messages.list),
    listV2: list(methods.getEntitlementsStateV2, writeListV2, messages.listV2),
  };
}
