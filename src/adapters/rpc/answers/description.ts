import type { DescField, DescMessage, DescOneof, Message, MessageShape } from "@bufbuild/protobuf";
import type { Timestamp } from "@bufbuild/protobuf/wkt";

/**
 * The language in which answers are described: for each field of a message, by its name, where its value comes from.
 * A description says nothing of a form. Frames and JSON are written by functions that build/answer-writers.js generates
 * from descriptions and descriptors, messages by message-encoders.ts.
 *
 * A message is made from a source and a context, for example a decision and its query. No value (undefined) leaves a field
 * out, or at its zero where the field cannot be left out.
 */
export type Read<S, C, V> = (source: S, context: C) => V;

/** In place of a value: the field is known, and no answer ever sets it. A field that is not mentioned at all does not compile. */
export const NOT_SENT = Symbol("not sent");
type NotSent = typeof NOT_SENT;

/** How a message is made from a source and a context. */
export interface Description<M extends Message, in S, in C> {
  readonly schema: DescMessage;
  readonly members: Members<M, S, C>;
}

/** Every field of a message; the fields of a oneof together, under the oneof's name. */
export type Members<M extends Message, S, C> = {
  readonly [F in Exclude<keyof M, "$typeName" | "$unknown">]-?: Member<Exclude<M[F], undefined>, S, C> | NotSent;
};

/** What describes a value of type V: a Timestamp by epoch milliseconds, a message by its parts, anything else by itself. */
export type Member<V, S, C> = [V] extends [Timestamp]
  ? Read<S, C, number | undefined>
  : [V] extends [Message]
    ? DescribedParts<V, S, C>
    : [V] extends [OneofShape]
      ? Choice<V, S, C>
      : [V] extends [readonly (infer E)[]]
        ? [E] extends [Message]
          ? readonly Items<E, S, C>[]
          : Read<S, C, readonly E[]>
        : Read<S, C, V | undefined>;

/** A message within a message. There is one where its source is not undefined. */
export interface Part<M extends Message, in S, in C> {
  readonly of: Description<M, never, never>;
  readonly source: Read<S, C, unknown>;
  readonly context: Read<S, C, unknown>;
  /** Encoded once for each source, which is an object of few: in every form the same bytes, text, or message. */
  readonly isShared: boolean;
}

/** The first of these that there is. */
export type DescribedParts<M extends Message, S, C> = readonly Part<M, S, C>[];

/** Some messages of a repeated field: of each item one, where its source is not undefined. */
export interface Items<M extends Message, in S, in C> {
  readonly of: Description<M, never, never>;
  readonly items: Read<S, C, readonly unknown[]>;
  readonly source: (item: never) => unknown;
  readonly context: (item: never) => unknown;
}

interface OneofShape {
  readonly case: string | undefined;
}

type Case<O extends OneofShape> = Exclude<O["case"], undefined>;

/** A oneof: which of its fields is set, and how each of them is made. */
export interface Choice<O extends OneofShape, in S, in C> {
  readonly select: Read<S, C, Case<O> | undefined>;
  readonly cases: {
    readonly [F in Case<O>]:
      | (Extract<O, { readonly case: F }> extends { readonly value: infer V extends Message }
          ? DescribedParts<V, S, C>
          : never)
      | NotSent;
  };
}

/** Begins a description: of messages that are made from an S and a C. */
export function from<S, C = unknown>() {
  return <D extends DescMessage>(
    schema: D,
    members: Members<MessageShape<D>, S, C>,
  ): Description<MessageShape<D>, S, C> => ({
    schema,
    members,
  });
}

export function part<M extends Message, S2, C2, S, C>(
  of: Description<M, S2, C2>,
  source: Read<S, C, S2 | undefined>,
  context: Read<S, C, C2>,
): Part<M, S, C> {
  return { of, source, context, isShared: false };
}

export function shared<M extends Message, S2 extends object, S, C>(
  of: Description<M, S2, unknown>,
  source: Read<S, C, S2 | undefined>,
): Part<M, S, C> {
  return { of, source, context: () => undefined, isShared: true };
}

export function each<M extends Message, I, S2, C2, S, C>(
  of: Description<M, S2, C2>,
  items: Read<S, C, readonly I[]>,
  source: (item: I) => S2 | undefined,
  context: (item: I) => C2,
): Items<M, S, C> {
  return { of, items, source, context };
}

/** A description of whatever, as those see it who make writers of descriptions. */
export type AnyDescription = Description<Message, never, never>;
export type AnyRead = (source: unknown, context: unknown) => unknown;

export interface AnyPart {
  readonly of: AnyDescription;
  readonly source: AnyRead;
  readonly context: AnyRead;
  readonly isShared: boolean;
}

export interface AnyItems {
  readonly of: AnyDescription;
  readonly items: (source: unknown, context: unknown) => readonly unknown[];
  readonly source: (item: unknown) => unknown;
  readonly context: (item: unknown) => unknown;
}

export interface AnyChoice {
  readonly select: (source: unknown, context: unknown) => string | undefined;
  readonly cases: Readonly<Record<string, readonly AnyPart[] | NotSent>>;
}

export type AnyMember = AnyRead | readonly AnyPart[] | readonly AnyItems[] | AnyChoice | NotSent;

/**
 * What describes each field and oneof of a message. The compiler checks the same by the generated types; this holds where
 * a type was got round.
 *
 * @throws Error naming a field that is neither described nor listed as not sent, or that the message does not have
 */
export function membersOf({
  schema,
  members,
}: AnyDescription): readonly (readonly [DescField | DescOneof, AnyMember])[] {
  const described = new Map(Object.entries<AnyMember>(members));
  const known = schema.members.map(
    (member) => [member, take(described, member.localName, `${schema.typeName}.${member.name}`)] as const,
  );
  refuseMore(described, schema.typeName);
  for (const [member, description] of known) {
    if (member.kind !== "oneof" || description === NOT_SENT) continue;
    const cases = new Map(Object.entries((description as AnyChoice).cases));
    for (const field of member.fields) take(cases, field.localName, `${schema.typeName}.${field.name}`);
    refuseMore(cases, `${schema.typeName}.${member.name}`);
  }
  return known;
}

function take<V>(described: Map<string, V>, localName: string, name: string): V {
  const description = described.get(localName);
  if (description === undefined)
    throw new Error(`no answer says what ${name} is: describe it in src/adapters/rpc/answers, or list it as NOT_SENT`);
  described.delete(localName);
  return description;
}

function refuseMore(described: ReadonlyMap<string, unknown>, name: string): void {
  const [first] = described.keys();
  if (first !== undefined)
    throw new Error(`${name} has no ${first}: take it out of its description in src/adapters/rpc/answers`);
}
