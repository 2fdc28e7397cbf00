import type { DescField, DescOneof, Message } from "@bufbuild/protobuf";
import { type Description, NOT_SENT, type NotSent } from "./description.js";

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
