import type { AccessDeniedReason } from "../../../domain/access-denied-reason.js";
import type { CreditDecision, FeatureDecision, FeatureQuery } from "../../../domain/decision.js";
import type { FeatureKind } from "../../../domain/feature.js";
import { encodeReason } from "../encode-reason.js";
import type { FrameWriter } from "./frame-writer.js";
import { writeCredit, writeEntitlement, writeTexts } from "./write-entitlement.js";

/** Where each kind of entitlement stands in a message that may hold any of them. */
const FIELD_OF_KIND: Readonly<Record<FeatureKind, number>> = { boolean: 4, numeric: 5, metered: 6, enum: 7 };
const CREDIT_FIELD = 8;

/** All of these write a response message to a decision that is no fallback, each field as encode-*.ts encodes it. */
export function writeFeatureDecision(writer: FrameWriter, decision: FeatureDecision): void {
  writeAnyKind(writer, decision);
  writeOutcome(writer, decision.hasAccess, decision.accessDeniedReason);
}

export function writeFeatureDecisionV2(writer: FrameWriter, decision: FeatureDecision): void {
  writeFeatureEntry(writer, 1, decision);
}

export function writeCreditDecisionV2(writer: FrameWriter, decision: CreditDecision): void {
  writeCreditEntry(writer, 1, decision);
}

export function writeBooleanOrNumericDecision(writer: FrameWriter, decision: FeatureDecision): void {
  if (decision.entitlement !== undefined) writeEntitlement(writer, 4, decision.entitlement, undefined);
  writeOutcome(writer, decision.hasAccess, decision.accessDeniedReason);
}

export function writeMeteredDecision(writer: FrameWriter, decision: FeatureDecision, { requestedUsage = 0 }: FeatureQuery): void {
  if (decision.entitlement !== undefined) writeEntitlement(writer, 5, decision.entitlement, decision.usage);
  writer.amount(4, requestedUsage);
  writeOutcome(writer, decision.hasAccess, decision.accessDeniedReason);
}

export function writeEnumDecision(writer: FrameWriter, decision: FeatureDecision, { requestedValues }: FeatureQuery): void {
  if (decision.entitlement !== undefined) writeEntitlement(writer, 5, decision.entitlement, undefined);
  writeTexts(writer, 4, requestedValues);
  writeOutcome(writer, decision.hasAccess, decision.accessDeniedReason);
}

/** The message EntitlementV2, which tells no reason where it grants. */
export function writeFeatureEntry(writer: FrameWriter, field: number, decision: FeatureDecision): void {
  const before = writer.length;
  writeAnyKind(writer, decision);
  writeOutcome(writer, decision.hasAccess, decision.hasAccess ? undefined : decision.accessDeniedReason);
  writer.message(field, before);
}

/** The message EntitlementV2. */
export function writeCreditEntry(writer: FrameWriter, field: number, decision: CreditDecision): void {
  const before = writer.length;
  if (decision.entitlement !== undefined) writeCredit(writer, CREDIT_FIELD, decision.entitlement, decision);
  writeOutcome(writer, decision.hasAccess, decision.hasAccess ? undefined : decision.accessDeniedReason);
  writer.message(field, before);
}

/** The oneof that first-generation answers, entries of lists and the message EntitlementV2 have in common. */
function writeAnyKind(writer: FrameWriter, { entitlement, usage }: FeatureDecision): void {
  if (entitlement !== undefined) writeEntitlement(writer, FIELD_OF_KIND[entitlement.kind], entitlement, usage);
}

/** What all answers begin with. */
function writeOutcome(writer: FrameWriter, hasAccess: boolean, reason: AccessDeniedReason | undefined): void {
  if (reason !== undefined) writer.integer(3, encodeReason(reason));
  if (hasAccess) writer.flag(1, true);
}
