import { FieldFault } from "../../wire/field-fault.js";
import { isObject } from "../../wire/fields.js";

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
