import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { clone, fromBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  type FileDescriptorSet,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "@jest/globals";
import { type WireTable, wireTableOf } from "./wire-table.js";

const PACKAGE = "stigg.sidecar.v1";
const published = JSON.parse(
  readFileSync(new URL("../fixtures/sidecar-wire.json", import.meta.url), "utf8"),
) as WireTable;
const image = fromBinary(FileDescriptorSetSchema, execFileSync("npx", ["--no", "buf", "build", "-o", "-"]));

describe("the proto and the published contract", () => {
  it.each(["package", "syntax", "methods", "enums", "messages"] as const)("have the same %s", (part) => {
    expect(wireTableOf(image, PACKAGE)[part]).toStrictEqual(published[part]);
  });

  it("cover the twelve methods, five enums and all messages", () => {
    expect(Object.keys(published.methods)).toHaveLength(12);
    expect(Object.keys(published.enums)).toHaveLength(5);
    expect(Object.keys(published.messages)).toHaveLength(51);
  });
});

describe("the comparison notices", () => {
  it.each<[string, (file: FileDescriptorProto) => void]>([
    ["another field number", (file) => (fieldOf(file, "Event", "customer_id").number = 42)],
    ["another field name", (file) => (fieldOf(file, "Event", "customer_id").name = "customer")],
    [
      "another scalar type",
      (file) => (fieldOf(file, "NumericEntitlement", "value").type = FieldDescriptorProto_Type.INT64),
    ],
    ["another message type", (file) => (fieldOf(file, "Event", "timestamp").typeName = ".google.protobuf.Duration")],
    ["a field that lost its presence", (file) => (fieldOf(file, "Event", "resource_id").proto3Optional = false)],
    [
      "a list made single",
      (file) => (fieldOf(file, "EnumEntitlement", "enum_values").label = FieldDescriptorProto_Label.OPTIONAL),
    ],
    ["a renamed oneof", (file) => (messageOf(file, "EntitlementV2").oneofDecl[0]!.name = "of")],
    [
      "a map with other values",
      (file) => (fieldOf(messageOf(file, "Event"), "DimensionsEntry", "value").typeName = ".x.Y"),
    ],
    ["a missing field", (file) => messageOf(file, "Event").field.pop()],
    ["a field too many", (file) => messageOf(file, "Event").field.push(fieldOf(file, "NumericEntitlement", "value"))],
    ["a missing message", (file) => file.messageType.pop()],
    ["another enum number", (file) => (file.enumType[0]!.value[1]!.number = 99)],
    ["a missing enum value", (file) => file.enumType[0]!.value.pop()],
    ["another answer type", (file) => (file.service[0]!.method[0]!.outputType = ".google.protobuf.Empty")],
    ["a method that streams", (file) => (file.service[0]!.method[0]!.serverStreaming = true)],
    ["a missing method", (file) => file.service[0]!.method.pop()],
  ])("%s", (_, alter) => {
    expect(wireTableOf(altered(alter), PACKAGE)).not.toStrictEqual(published);
  });

  it("nothing where nothing was altered", () => {
    expect(
      wireTableOf(
        altered(() => {}),
        PACKAGE,
      ),
    ).toStrictEqual(published);
  });
});

function altered(alter: (file: FileDescriptorProto) => void): FileDescriptorSet {
  const copy = clone(FileDescriptorSetSchema, image);
  alter(copy.file.find((file) => file.package === PACKAGE)!);
  return copy;
}

function messageOf(scope: FileDescriptorProto | DescriptorProto, name: string): DescriptorProto {
  const messages = "messageType" in scope ? scope.messageType : scope.nestedType;
  return messages.find((message) => message.name === name)!;
}

function fieldOf(scope: FileDescriptorProto | DescriptorProto, message: string, field: string): FieldDescriptorProto {
  return messageOf(scope, message).field.find(({ name }) => name === field)!;
}
