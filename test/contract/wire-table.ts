import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
  type FileDescriptorSet,
} from "@bufbuild/protobuf/wkt";

/** All of a protobuf package that a client on the other side of a wire can notice. */
export interface WireTable {
  readonly package: string;
  readonly syntax: string;
  readonly methods: Readonly<Record<string, WireMethod>>;
  readonly enums: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly messages: Readonly<Record<string, Readonly<Record<string, WireField>>>>;
}

interface WireMethod {
  readonly input: string;
  readonly output: string;
  readonly streaming?: true;
}

interface WireField {
  readonly number: number;
  readonly type: string;
  readonly repeated?: true;
  readonly optional?: true;
  readonly oneof?: string;
}

/** Reads the table of one package off a compiled image. */
export function wireTableOf(image: FileDescriptorSet, packageName: string): WireTable {
  const files = image.file.filter((file) => file.package === packageName);
  const messages = files.flatMap((file) => file.messageType.flatMap((message) => withNested(message, file.package)));
  return {
    package: packageName,
    syntax: [...new Set(files.map((file) => file.syntax))].join(),
    methods: Object.fromEntries(files.flatMap(methodsOf)),
    enums: Object.fromEntries([
      ...files.flatMap((file) => file.enumType.map((type) => enumOf(type, file.package))),
      ...messages.flatMap(({ name, message }) => message.enumType.map((type) => enumOf(type, name))),
    ]),
    messages: Object.fromEntries(messages.map(({ name, message }) => [name, fieldsOf(message)])),
  };
}

interface NamedMessage {
  readonly name: string;
  readonly message: DescriptorProto;
}

function withNested(message: DescriptorProto, scope: string): NamedMessage[] {
  const name = `${scope}.${message.name}`;
  return [{ name, message }, ...message.nestedType.flatMap((nested) => withNested(nested, name))];
}

function methodsOf(file: FileDescriptorProto): [string, WireMethod][] {
  return file.service.flatMap((service) =>
    service.method.map((method): [string, WireMethod] => [
      `${file.package}.${service.name}/${method.name}`,
      {
        input: withoutDot(method.inputType),
        output: withoutDot(method.outputType),
        ...(method.clientStreaming || method.serverStreaming ? { streaming: true } : {}),
      },
    ]),
  );
}

function enumOf(type: EnumDescriptorProto, scope: string): [string, Record<string, number>] {
  return [`${scope}.${type.name}`, Object.fromEntries(type.value.map((value) => [value.name, value.number]))];
}

function fieldsOf(message: DescriptorProto): Record<string, WireField> {
  return Object.fromEntries(message.field.map((field) => [field.name, fieldOf(field, message)]));
}

function fieldOf(field: FieldDescriptorProto, message: DescriptorProto): WireField {
  // To protobuf an `optional` field is a oneof with one member; to whoever writes one it is not.
  const isOneofMember = Object.hasOwn(field, "oneofIndex") && !field.proto3Optional;
  const oneof = isOneofMember ? message.oneofDecl[field.oneofIndex]?.name : undefined;
  return {
    number: field.number,
    type: field.typeName === "" ? FieldDescriptorProto_Type[field.type].toLowerCase() : withoutDot(field.typeName),
    ...(field.label === FieldDescriptorProto_Label.REPEATED ? { repeated: true } : {}),
    ...(field.proto3Optional ? { optional: true } : {}),
    ...(oneof === undefined ? {} : { oneof }),
  };
}

function withoutDot(qualifiedName: string): string {
  return qualifiedName.replace(/^\./, "");
}
