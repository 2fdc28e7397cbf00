import {
  create,
  type DescField,
  type DescMessage,
  type DescOneof,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { type Timestamp, TimestampSchema } from "@bufbuild/protobuf/wkt";
import { type AnswerEncoders, JSON_OPTIONS, type Messages } from "./answer-encoders.js";
import { ANSWERS } from "./describe-answers.js";
import {
  type AnyChoice,
  type AnyDescription,
  type AnyItems,
  type AnyMember,
  type AnyPart,
  type AnyRead,
  membersOf,
  NOT_SENT,
} from "./description.js";
import { encodedOnce, nanosOf, secondsOf } from "./frame-writer.js";

type Make = (source: unknown, context: unknown) => Message;

const makers = new Map<AnyDescription, Make>();
const sharedMessages = new Map<AnyDescription, (source: object) => Message>();

/** Each answer as a message of the library, for calls that are not on the fast path. Shared messages in it are never written to. */
export const MESSAGE_ENCODERS = Object.fromEntries(
  Object.entries<AnyDescription>(ANSWERS).map(([name, description]) => [name, messageMaker(description)]),
) as unknown as AnswerEncoders<Messages>;

/** The bytes of a message that is encoded once for each source. */
export function sharedBytes(description: AnyDescription): (source: object) => Uint8Array {
  const make = messageMaker(description);
  return encodedOnce((source) => toBinary(description.schema, make(source, undefined)));
}

/** The JSON of a message that is encoded once for each source. */
export function sharedText(description: AnyDescription): (source: object) => string {
  const make = messageMaker(description);
  return encodedOnce((source) => toJsonString(description.schema, make(source, undefined), JSON_OPTIONS));
}

function messageMaker(description: AnyDescription): Make {
  let make = makers.get(description);
  if (make === undefined) makers.set(description, (make = compile(description)));
  return make;
}

function compile(description: AnyDescription): Make {
  const schema: DescMessage = description.schema;
  const fields = membersOf(description)
    .filter(([, member]) => member !== NOT_SENT)
    .map(([field, member]) => ({ name: field.localName, read: readerOf(field, member) }));
  return (source, context) => {
    const init: Record<string, unknown> = {};
    for (const { name, read } of fields) init[name] = read(source, context);
    return create(schema, init);
  };
}

function readerOf(field: DescField | DescOneof, member: AnyMember): AnyRead {
  if (field.kind === "oneof") return choiceReader(member as AnyChoice);
  if (field.fieldKind === "list")
    return field.listKind === "message" ? itemsReader(member as readonly AnyItems[]) : copyReader(member as AnyRead);
  if (field.fieldKind !== "message" || typeof member === "function") return valueReader(field, member as AnyRead);
  return partReader(member as readonly AnyPart[]);
}

function valueReader(field: DescField, read: AnyRead): AnyRead {
  if (field.message?.typeName !== TimestampSchema.typeName) return read;
  return (source, context) => encodeTimestamp(read(source, context) as number | undefined);
}

function copyReader(read: AnyRead): AnyRead {
  return (source, context) => [...((read(source, context) ?? []) as readonly unknown[])];
}

function partReader(parts: readonly AnyPart[]): AnyRead {
  const makes = parts.map((part) => ({
    ...part,
    make: part.isShared ? sharedMessage(part.of) : messageMaker(part.of),
  }));
  return (source, context) => {
    for (const { source: sourceOf, context: contextOf, make } of makes) {
      const partSource = sourceOf(source, context);
      if (partSource !== undefined) return make(partSource, contextOf(source, context));
    }
    return undefined;
  };
}

function sharedMessage(description: AnyDescription): Make {
  let known = sharedMessages.get(description);
  if (known === undefined) {
    const make = messageMaker(description);
    sharedMessages.set(description, (known = encodedOnce((source) => make(source, undefined))));
  }
  return known as Make;
}

function choiceReader({ select, cases }: AnyChoice): AnyRead {
  const readers = new Map(
    Object.entries(cases).flatMap(([name, parts]) => (parts === NOT_SENT ? [] : [[name, partReader(parts)] as const])),
  );
  return (source, context) => {
    const name = select(source, context);
    const value = name === undefined ? undefined : readers.get(name)?.(source, context);
    return value === undefined ? { case: undefined } : { case: name, value };
  };
}

function itemsReader(groups: readonly AnyItems[]): AnyRead {
  const makes = groups.map((group) => ({ ...group, make: messageMaker(group.of) }));
  return (source, context) => {
    const messages: Message[] = [];
    for (const { items, source: sourceOf, context: contextOf, make } of makes) {
      for (const item of items(source, context)) {
        const itemSource = sourceOf(item);
        if (itemSource !== undefined) messages.push(make(itemSource, contextOf(item)));
      }
    }
    return messages;
  };
}

/**
 * A timestamp on the wire. Absent where a Timestamp cannot hold it: one that upstream got wrong must
 * not cost the answer.
 *
 * @param epochMs epoch milliseconds
 */
export function encodeTimestamp(epochMs: number | undefined): Timestamp | undefined {
  const seconds = secondsOf(epochMs);
  if (epochMs === undefined || seconds === undefined) return undefined;
  return create(TimestampSchema, { seconds: BigInt(seconds), nanos: nanosOf(epochMs, seconds) });
}
