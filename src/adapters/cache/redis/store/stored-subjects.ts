import type { Subject } from "../../../../domain/subject.js";
import { FieldFault } from "../../../../wire/field-fault.js";
import { Fields } from "../../../../wire/fields.js";
import { decodeRecord } from "../codec/sidecar-record.js";
import type { RedisCommands } from "./redis-commands.js";
import { KEY_MARKS, stateKey, stateKeysPrefix } from "./redis-keys.js";

const MARKS = [...KEY_MARKS.usages, KEY_MARKS.resource];

/**
 * Whose states some keys are. A key says that by itself where it has none of the marks that join ids; else its value
 * decides whether it is a state at all, and whose.
 */
export async function storedSubjects(
  environment: string,
  keys: readonly string[],
  redis: Pick<RedisCommands, "read">,
): Promise<readonly Subject[]> {
  const subjects: Subject[] = [];
  const ambiguous: string[] = [];
  const prefix = stateKeysPrefix(environment);
  for (const key of keys) {
    if (!key.startsWith(prefix) || key.endsWith(KEY_MARKS.timestamp) || key.endsWith(KEY_MARKS.metadata)) continue;
    const name = key.slice(prefix.length);
    if (MARKS.some((mark) => name.includes(mark))) ambiguous.push(key);
    else subjects.push({ customerId: name });
  }
  if (ambiguous.length === 0) return subjects;
  const values = await redis.read(ambiguous);
  for (const [index, key] of ambiguous.entries()) {
    const subject = subjectOf(environment, key, values[index] ?? "");
    if (subject !== undefined) subjects.push(subject);
  }
  return subjects;
}

/** @returns undefined where the key is of no state */
function subjectOf(environment: string, key: string, value: string): Subject | undefined {
  try {
    const members = Fields.of(JSON.parse(value), "");
    for (const name of members.names()) {
      const member = members.object(name);
      if (name === "sidecar" || member.raw("calculatedEntitlement") === undefined) return undefined;
      const noted = decodeRecord(member)?.subject;
      if (noted !== undefined && stateKey(environment, noted) === key) return noted;
    }
    return subjectInKey(key.slice(stateKeysPrefix(environment).length));
  } catch (error) {
    if (error instanceof FieldFault || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Of a state that does not say whose it is: most ids have no marks in them. */
function subjectInKey(name: string): Subject {
  const position = name.indexOf(KEY_MARKS.resource);
  return position < 0
    ? { customerId: name }
    : { customerId: name.slice(0, position), resourceId: name.slice(position + KEY_MARKS.resource.length) };
}
