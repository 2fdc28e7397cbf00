import { type DescMethodUnary, type JsonObject, type JsonValue, type Message, toJson } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import type { AnswerItem, FieldValue, ObservedAnswer } from "../../../domain/comparison/compare-answers.js";
import { JSON_OPTIONS } from "../json-options.js";

/** The members of an answer whose name says of which kind its entitlement is. */
const KINDS: ReadonlySet<string> = new Set(["boolean", "numeric", "metered", "enum", "credit"]);
const NO_ITEMS: ReadonlyMap<string, AnswerItem> = new Map();

/** An answer of any method that reads, as it is compared: a list by the ids of what it lists, in whatever order. */
export function observeAnswer(method: DescMethodUnary, message: Message): ObservedAnswer {
  const answer = toJson(method.output, message, JSON_OPTIONS) as JsonObject;
  const { entitlements, ...rest } = answer;
  if (!Array.isArray(entitlements)) return { failure: undefined, items: new Map([["", itemOf(answer)]]) };
  const items = new Map<string, AnswerItem>();
  const own = itemOf(rest);
  if (own.size > 0) items.set("", own);
  for (const [index, entitlement] of entitlements.entries()) {
    const item = itemOf(entitlement as JsonObject);
    items.set(String(item.get("feature.id") ?? item.get("currency.currencyId") ?? `#${index}`), item);
  }
  return { failure: undefined, items };
}

export function observeFailure(code: Code): ObservedAnswer {
  return { failure: Code[code], items: NO_ITEMS };
}

function itemOf(json: JsonObject): AnswerItem {
  const fields = new Map<string, FieldValue>();
  collect(json, "", fields);
  return fields;
}

function collect(json: JsonObject, prefix: string, fields: Map<string, FieldValue>): void {
  for (const [name, value] of Object.entries(json)) {
    if (value === null) continue;
    if (Array.isArray(value)) fields.set(prefix + name, asSet(value));
    else if (typeof value !== "object") fields.set(prefix + name, value);
    else if (prefix === "" && KINDS.has(name)) {
      fields.set("kind", name);
      collect(value, "", fields);
    } else if (prefix === "" && name === "entitlement") collect(value, "", fields);
    else collect(value, `${prefix}${name}.`, fields);
  }
}

/** Which values are allowed is a set: the order says nothing. */
function asSet(values: readonly JsonValue[]): string {
  return values
    .map((value) => JSON.stringify(value))
    .sort()
    .join(" ");
}
