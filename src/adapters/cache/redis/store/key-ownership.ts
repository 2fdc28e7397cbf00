import { sameSubject, type Subject } from "../../../../domain/subject.js";
import { FieldFault } from "../../../../wire/fault-log.js";
import { Fields } from "../../../../wire/fields.js";
import { decodeRecord } from "../codec/sidecar-record.js";
import type { RedisCommands } from "./redis-commands.js";
import { hasAmbiguousKeys, metadataKey, readTimestamp, stateKey, timestampKey } from "./redis-keys.js";

/**
 * Whether a subject may write, or remove, these keys of its own: always, unless they can be read as another's and hold
 * what is not provably this subject's.
 *
 * @throws CodedError as RedisCommands does
 */
export async function mayWriteKeys(
  redis: Pick<RedisCommands, "read">,
  environment: string,
  subject: Subject,
  valueKeys: readonly string[] = [],
): Promise<boolean> {
  if (!hasAmbiguousKeys(subject)) return true;
  const keys = [...new Set([stateKey(environment, subject), metadataKey(environment, subject), ...valueKeys])];
  const found = await redis.read(keys.flatMap((key) => [key, timestampKey(key)]));
  return keys.every(
    (_, index) => isOwnOrNothing(found[2 * index], subject) && isTimestampOrNothing(found[2 * index + 1]),
  );
}

function isTimestampOrNothing(text: string | null | undefined): boolean {
  return text === null || text === undefined || readTimestamp(text) !== undefined;
}

function isOwnOrNothing(text: string | null | undefined, subject: Subject): boolean {
  // A state without entitlements has no room to say whose it is: its metadata does.
  if (text === null || text === undefined || text === "" || text === "{}") return true;
  const owner = ownerOf(text);
  return owner !== undefined && sameSubject(owner, subject);
}

/** Whose a value says that it is; undefined where it says nothing, or cannot be read. */
function ownerOf(text: string): Subject | undefined {
  try {
    const value = Fields.of(JSON.parse(text), "");
    const own = decodeRecord(value);
    if (own !== undefined) return own.subject;
    const [first] = value.names();
    return first === undefined ? undefined : decodeRecord(value.object(first))?.subject;
  } catch (error) {
    if (error instanceof FieldFault || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
