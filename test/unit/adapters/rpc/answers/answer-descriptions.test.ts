import { create, createFileRegistry, type DescField, type DescFile, type DescMessage } from "@bufbuild/protobuf";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "@jest/globals";
import { ANSWERS } from "../../../../../src/adapters/rpc/answers/describe-answers.js";
import {
  type AnyChoice,
  type AnyDescription,
  type AnyItems,
  type AnyMember,
  type AnyPart,
  membersOf,
  NOT_SENT,
} from "../../../../../src/adapters/rpc/answers/description.js";
import { Health } from "../../../../../src/adapters/rpc/gen/grpc/health/v1/health_pb.js";
import { SidecarService } from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

/** Everything that is described, by the message's name. */
const descriptions = new Map<string, AnyDescription[]>();
for (const description of Object.values<AnyDescription>(ANSWERS)) visit(description);

const responses = [...Object.values(SidecarService.method).map(({ output }) => output), Health.method.check.output];

test("every message of every response is described, down to those of the library", () => {
  const described = [...descriptions.keys()].sort();
  const reachable = new Set<string>();
  for (const response of responses) reach(response, reachable);
  expect(described).toEqual([...reachable].sort());
});

describe.each([...descriptions.keys()].filter((name) => name !== "google.protobuf.Empty"))("%s", (typeName) => {
  const all = descriptions.get(typeName)!;

  test("has each of its fields described or listed as not sent", () => {
    for (const description of all) expect(() => membersOf(description)).not.toThrow();
  });

  test("with a field more that nobody described is refused by that field's name", () => {
    for (const { schema, members } of all) {
      const grown: AnyDescription = { schema: withField(schema, "tier"), members };
      expect(() => membersOf(grown)).toThrow(`${typeName}.tier`);
    }
  });

  test("with a field less is refused by the name that is described in vain", () => {
    for (const { schema, members } of all) {
      const [first, ...rest] = schema.members;
      if (rest.length === 0) continue;
      expect(() => membersOf({ schema: { ...schema, members: rest }, members })).toThrow(
        `${typeName} has no ${first!.localName}`,
      );
    }
  });

  test("with a field more in a oneof is refused by that field's name", () => {
    for (const { schema, members } of all) {
      if (schema.oneofs.length === 0) continue;
      const grown: AnyDescription = { schema: withField(schema, "tier", 0), members };
      expect(() => membersOf(grown)).toThrow(`${typeName}.tier`);
    }
  });
});

test("every field of every message is sent by at least one of the answers", () => {
  const unsent = [...descriptions].flatMap(([typeName, all]) => {
    const sent = new Set(all.flatMap(sentFields));
    return all[0]!.schema.fields
      .filter(({ localName }) => !sent.has(localName))
      .map(({ name }) => `${typeName}.${name}`);
  });
  expect(unsent).toEqual([]);
});

function visit(description: AnyDescription): void {
  const { typeName } = description.schema;
  const known = descriptions.get(typeName) ?? [];
  if (known.includes(description)) return;
  descriptions.set(typeName, [...known, description]);
  for (const [, member] of membersOf(description)) {
    for (const { of } of partsOf(member)) visit(of);
  }
}

function partsOf(member: AnyMember): readonly (AnyPart | AnyItems)[] {
  if (member === NOT_SENT || typeof member === "function") return [];
  if ("cases" in member) return Object.values(member.cases).flatMap((parts) => (parts === NOT_SENT ? [] : parts));
  return member;
}

function sentFields(description: AnyDescription): string[] {
  return membersOf(description).flatMap(([field, member]) => {
    if (member === NOT_SENT) return [];
    if (field.kind === "field") return [field.localName];
    return Object.entries((member as AnyChoice).cases).flatMap(([name, parts]) => (parts === NOT_SENT ? [] : [name]));
  });
}

function reach(message: DescMessage, reached: Set<string>): void {
  if (reached.has(message.typeName)) return;
  reached.add(message.typeName);
  for (const { message: inner } of message.fields as readonly DescField[]) {
    if (inner !== undefined && !inner.typeName.startsWith("google.protobuf.")) reach(inner, reached);
  }
}

/** The message as it would be with one field more, which may be one of its oneof's. */
function withField(schema: DescMessage, name: string, oneofIndex?: number): DescMessage {
  const files = [...dependenciesOf(schema.file)].map(({ proto }) => structuredClone(proto));
  const own = files.find((file) => file.name === schema.file.proto.name)!;
  const message = own.messageType.find((each) => each.name === schema.name)!;
  message.field.push(
    create(FieldDescriptorProtoSchema, {
      name,
      jsonName: name,
      number: 1000,
      label: FieldDescriptorProto_Label.OPTIONAL,
      type: FieldDescriptorProto_Type.BOOL,
      ...(oneofIndex === undefined ? {} : { oneofIndex }),
    }),
  );
  return createFileRegistry(create(FileDescriptorSetSchema, { file: files })).getMessage(schema.typeName)!;
}

function dependenciesOf(file: DescFile, known = new Set<DescFile>()): Set<DescFile> {
  for (const dependency of file.dependencies) dependenciesOf(dependency, known);
  return known.add(file);
}
