import type { CreditEntitlementInput, FeatureEntitlementInput } from "../../../domain/build-customer-state.js";
import { decodeEntitlement } from "../../../wire/decode-entitlement.js";
import { FieldFault } from "../../../wire/fault-log.js";
import { isObject } from "../../../wire/fields.js";
import { partsAt } from "../../../wire/templates/json-template.js";
import type { Part } from "../../../wire/templates/known-texts.js";
import type { Decoded } from "../../../wire/templates/learn-template.js";

/** Of one part of an answer, what does not differ from one customer to the next. */
export type AnswerForm =
  | { readonly type: "feature"; readonly input: FeatureEntitlementInput }
  | { readonly type: "credit"; readonly input: CreditEntitlementInput }
  /** What is around the list of entitlements, to the letter. */
  | { readonly type: "frame"; readonly text: string };

const LIST = /"entitlementsV2"\s*:\s*\[/;

/** An answer cut into what is around its list and the members of that. @returns undefined where it is none that can be recognized */
export function partsOfAnswer(text: string): readonly Part<AnswerForm>[] | undefined {
  const found = LIST.exec(text);
  if (found === null) return undefined;
  const at = found.index + found[0].length - 1;
  const list = partsAt(text, at);
  if (list === undefined || !isListOf(text.slice(0, at), text.slice(list.end))) return undefined;
  const members = list.parts.slice(0, -1).map((member) => ({ text: member, decode: decodeMember }));
  const close = list.parts.at(-1) ?? "";
  return [
    { text: text.slice(0, at), decode: decodeFrame },
    ...members,
    { text: close + text.slice(list.end), decode: decodeFrame },
  ];
}

/** Whether what stands between is what the decoder takes for the list: another member of the same name may come behind it. */
function isListOf(before: string, behind: string): boolean {
  const body = JSON.parse(`${before}["here"]${behind}`) as unknown;
  const data = isObject(body) ? (body as { readonly data?: unknown }).data : undefined;
  const state = isObject(data) ? (data as { readonly entitlementsState?: unknown }).entitlementsState : undefined;
  const list = isObject(state) ? (state as { readonly entitlementsV2?: unknown }).entitlementsV2 : undefined;
  return Array.isArray(list) && list[0] === "here";
}

function decodeFrame(text: string): Decoded<AnswerForm> {
  return { owner: undefined, fields: {}, rest: { type: "frame", text } };
}

/** @param text a member with what opens, or divides, before it. What is faulty is reported each time, so it is not recognized. */
function decodeMember(text: string): Decoded<AnswerForm> | undefined {
  try {
    const decoded = decodeEntitlement(JSON.parse(text.slice(1)), (fault) => {
      throw fault;
    });
    if (decoded.kind !== "feature" && decoded.kind !== "credit") return undefined;
    const { usage, usageLimit, validUntil } = decoded.input;
    const fields = {
      limit: usageLimit ?? undefined,
      end: validUntil,
      used: usage?.currentUsage,
      anchor: usage?.periodAnchor,
      start: usage?.periodStart,
      periodEnd: usage?.periodEnd,
      usedAt: usage?.updatedAt,
      updatedAt: decoded.updatedAt,
    };
    const own = { validUntil: undefined, usage: undefined };
    const rest: AnswerForm =
      decoded.kind === "feature"
        ? { type: "feature", input: { ...decoded.input, usageLimit: undefined, ...own } }
        : { type: "credit", input: { ...decoded.input, usageLimit: 0, ...own } };
    return { owner: undefined, fields, rest };
  } catch (error) {
    if (error instanceof FieldFault) return undefined;
    throw error;
  }
}
