import type { EntitlementsList } from "../../../application/list-entitlements.js";
import type { FeatureKind } from "../../../domain/feature.js";
import { encodeReason } from "../encode-reason.js";
import type { FrameWriter } from "./frame-writer.js";
import { writeCreditEntry, writeFeatureEntry } from "./write-decision.js";
import { writeEntitlement } from "./write-entitlement.js";

const ENTRIES = 1;

/** Where each kind of entitlement stands in the message Entitlement. */
const FIELD_OF_KIND: Readonly<Record<FeatureKind, number>> = { boolean: 1, numeric: 2, metered: 3, enum: 4 };

/** Both write the response message to a list that is no fallback, each field as encode-list.ts encodes it. */
export function writeList(writer: FrameWriter, list: EntitlementsList): void {
  writeReason(writer, list);
  for (let i = list.features.length - 1; i >= 0; i--) {
    const { entitlement, usage } = list.features[i] ?? {};
    if (entitlement === undefined) continue;
    const before = writer.length;
    writeEntitlement(writer, FIELD_OF_KIND[entitlement.kind], entitlement, usage);
    writer.message(ENTRIES, before);
  }
}

export function writeListV2(writer: FrameWriter, list: EntitlementsList): void {
  writeReason(writer, list);
  for (let i = list.credits.length - 1; i >= 0; i--) {
    const decision = list.credits[i];
    if (decision !== undefined) writeCreditEntry(writer, ENTRIES, decision);
  }
  for (let i = list.features.length - 1; i >= 0; i--) {
    const decision = list.features[i];
    if (decision !== undefined) writeFeatureEntry(writer, ENTRIES, decision);
  }
}

function writeReason(writer: FrameWriter, { accessDeniedReason }: EntitlementsList): void {
  if (accessDeniedReason !== undefined) writer.integer(2, encodeReason(accessDeniedReason));
}
