import { randomUUID } from "node:crypto";
import type { Change } from "../../../domain/change.js";
import type { Subject } from "../../../domain/subject.js";
import { encodePackagePublished, encodeUsageV2 } from "../encoding/encode-changes.js";
import { encodeEntitlementsV2 } from "../encoding/encode-state.js";

/** A message of docs/change-messages.md, as JSON.stringify takes it. */
export interface ChangeMessage {
  readonly version: 1;
  readonly id: string;
  readonly type: "entitlements.updated" | "usage.updated" | "customer.invalidated" | "package.published";
  /** ISO. */
  readonly timestamp: string;
  readonly data: object;
}

/** @param now when the change was made, epoch milliseconds */
export function encodeChangeMessage(change: Change, now: number): ChangeMessage {
  return { version: 1, id: randomUUID(), timestamp: new Date(now).toISOString(), ...contentOf(change, now) };
}

function contentOf(change: Change, now: number): Pick<ChangeMessage, "type" | "data"> {
  switch (change.type) {
    case "entitlements-updated":
      return {
        type: "entitlements.updated",
        data: {
          ...encodeSubject(change.subject),
          accessDeniedReason: change.state.accessDeniedReason ?? null,
          entitlements: encodeEntitlementsV2(change.state, now),
        },
      };
    case "usage-updated":
      return { type: "usage.updated", data: { ...encodeSubject(change.subject), ...encodeUsageV2(change) } };
    case "subject-invalidated":
      return { type: "customer.invalidated", data: encodeSubject(change.subject) };
    case "package-published":
      return { type: "package.published", data: encodePackagePublished(change) };
  }
}

function encodeSubject({ customerId, resourceId }: Subject) {
  return { customerId, resourceId: resourceId ?? null };
}
