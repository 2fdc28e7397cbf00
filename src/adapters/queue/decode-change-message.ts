import type { Change } from "../../domain/change.js";
import type { News } from "../../ports/change-queue.js";
import { decodeEntitlementsUpdated, decodePackagePublished, decodeSubject, decodeUsageUpdated } from "../../wire/decode-changes.js";
import type { ReportFault } from "../../wire/decode-entitlements.js";
import { FieldFault } from "../../wire/field-fault.js";
import { Fields } from "../../wire/fields.js";
import { unwrap } from "./unwrap.js";

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
 * this one.
 *
 * @param report told of each entitlement that cannot be read and is left out
 * @throws FieldFault where the body as a whole cannot be understood
 */
export function decodeChangeMessage(body: string, report: ReportFault): News {
  const message = Fields.of(unwrap(body), "");
  const version = message.optionalNumber("version") ?? VERSION;
  if (version !== VERSION) throw new FieldFault("version", String(VERSION), version);
  message.text("id");
  const type = message.text("type");
  const decode = DECODERS.get(type);
  if (decode === undefined) throw new FieldFault("type", `one of ${[...DECODERS.keys()].join(", ")}`, type);
  const at = message.optionalMoment("timestamp");
  if (at === undefined) throw new FieldFault("timestamp", "an ISO date or epoch milliseconds", undefined);
  return { change: decode(message.object("data"), report), at };
}
