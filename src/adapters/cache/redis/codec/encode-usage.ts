import type { EntitlementReference } from "../../../../domain/entitlement.js";
import type { Subject } from "../../../../domain/subject.js";
import type { Usage } from "../../../../domain/usage/usage.js";
import { isObject } from "../../../../wire/fields.js";
import type { KeyWrite } from "../store/redis-commands.js";
import { usageKey } from "../store/redis-keys.js";
import { encodeUsageFields } from "./encode-entitlement.js";
import { usageText } from "./entitlement-texts.js";
import { encodeRecord, SIDECAR_MEMBER } from "./sidecar-record.js";

/** Written whatever is stored, and yielding to whatever comes: how data without a timestamp of its own is stamped. */
export const NO_TIMESTAMP = 0;

/** Written anew each time, so an older spelling of one of them must not stay beside it. */
const KNOWN_MEMBERS = [SIDECAR_MEMBER, "currentUsage", "usagePeriodStart", "usagePeriodEnd", "nextResetDate"];

/**
 * The write of one usage. The anchor of its periods is not in it: that is a part of the state.
 *
 * @param usage in full: a period that is not in it is taken for unknown
 * @param previous what is stored; what others keep there beside the usage stays
 */
export function encodeUsage(
  environment: string,
  subject: Subject,
  entitlement: EntitlementReference,
  usage: Usage,
  previous?: string | null,
): KeyWrite {
  const { updatedAt } = usage;
  const more = unknownMembersOf(previous);
  return {
    key: usageKey(environment, subject, entitlement),
    value:
      more === undefined
        ? `{"${SIDECAR_MEMBER}":${JSON.stringify(encodeRecord({ subject, updatedAt }))},${usageText(usage)}}`
        : JSON.stringify({
            [SIDECAR_MEMBER]: encodeRecord({ subject, updatedAt }),
            ...encodeUsageFields(usage),
            ...more,
          }),
    updatedAt: updatedAt ?? NO_TIMESTAMP,
  };
}

function unknownMembersOf(previous: string | null | undefined): object | undefined {
  if (previous === undefined || previous === null) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(previous);
  } catch {
    // What cannot be read is overwritten.
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  return Object.fromEntries(Object.entries(parsed).filter(([name]) => !KNOWN_MEMBERS.includes(name)));
}
