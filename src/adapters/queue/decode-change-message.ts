import type { Change } from "../../domain/change.js";
import type { ChangeMessage } from "../../ports/change-sources.js";
import {
  decodeEntitlementsUpdated,
  decodePackagePublished,
  decodeSubject,
  decodeUsageUpdated,
  invalidatedSubjectOf,
} from "../../wire/decode-changes.js";
import { FieldFault } from "../../wire/fault-log.js";
import { Fields, isObject, type ReportFault } from "../../wire/fields.js";

type DecodeData = (data: Fields, report: ReportFault) => Change;

const DECODERS: ReadonlyMap<string, DecodeData> = new Map<string, DecodeData>([
  ["entitlements.updated", decodeEntitlementsUpdated],
  ["usage.updated", decodeUsageUpdated],
  ["customer.invalidated", (data) => ({ type: "subject-invalidated", subject: decodeSubject(data) })],
  ["package.published", decodePackagePublished],
]);

/** The version of the format that is read here; a message that names none is of this one. */
const VERSION = 1;

/**
 * What a message's body says, in the format of docs/change-messages.md. Another format is another function like
 * this one. A change that cannot be read, or of a type that is not known, still says that its subject changed.
 *
 * @param report called for each part that cannot be read
 * @throws FieldFault where neither the change nor its subject can be read
 */
export function decodeChangeMessage(body: string, report: ReportFault): ChangeMessage {
  const message = Fields.of(unwrap(body), "");
  const version = message.optionalNumber("version") ?? VERSION;
  if (version !== VERSION) throw new FieldFault("version", String(VERSION), version);
  message.text("id");
  const type = message.text("type");
  const at = message.optionalTimestamp("timestamp");
  if (at === undefined) throw new FieldFault("timestamp", "an ISO date or epoch milliseconds", undefined);
  return { change: decodeData(type, message, report), at };
}

function decodeData(type: string, message: Fields, report: ReportFault): Change {
  try {
    const decode = DECODERS.get(type);
    if (decode === undefined) throw new FieldFault("type", `one of ${[...DECODERS.keys()].join(", ")}`, type);
    return decode(message.object("data"), report);
  } catch (error) {
    const invalidated = error instanceof FieldFault ? invalidatedSubjectOf(message.raw("data")) : undefined;
    if (invalidated === undefined) throw error;
    report(error as FieldFault);
    return invalidated;
  }
}

/** A rule may send to a topic, and the topic to the queue: no message is wrapped more often than that. */
const MAX_WRAPPINGS = 2;

/**
 * The message in a queue's body, taken out of what SNS and EventBridge put around it.
 *
 * @throws FieldFault where it is not JSON
 */
export function unwrap(body: string): unknown {
  let message = parse(body);
  for (let wrapping = 0; wrapping < MAX_WRAPPINGS; wrapping++) {
    const inner = contentOf(message);
    if (inner === undefined) break;
    message = typeof inner === "string" ? parse(inner) : inner;
  }
  return message;
}

function contentOf(message: unknown): unknown {
  if (!isObject(message)) return undefined;
  if ("Type" in message && message.Type === "Notification" && "Message" in message) return message.Message;
  return "detail-type" in message && "detail" in message ? message.detail : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words would quote the text.
    throw new FieldFault("the body", "JSON", undefined);
  }
}
