/**
 * Writes docs/api.md from the proto files and what is said in them. With --print it is printed instead, so that a test
 * can tell whether the page is current.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, fromBinary, ScalarType } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { EXAMPLES } from "./api-examples.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FILES = ["stigg/sidecar/v1/sidecar.proto", "grpc/health/v1/health.proto"];
const BASE_URL = "http://localhost:50051";

// Of FileDescriptorProto, DescriptorProto, EnumDescriptorProto and ServiceDescriptorProto: where source info finds them.
const IN_FILE = { package: 2, message: 4, enum: 5, service: 6 };
const IN_MESSAGE = { field: 2, message: 3, enum: 4, oneof: 8 };
const IN_ENUM = { value: 2 };
const IN_SERVICE = { method: 2 };

const INTRODUCTION = `# API reference

<!-- Written by \`npm run generate:api\` from proto/ and build/api-examples.js: change those, and write it again. -->

Every method, message and enum, from [sidecar.proto](../proto/stigg/sidecar/v1/sidecar.proto) and
[health.proto](../proto/grpc/health/v1/health.proto). All are served on one port, by gRPC, gRPC-web and Connect, and as plain
JSON over HTTP: a POST to the path of the method, with \`content-type: application/json\`. What answers carry beside the message,
and what to do about each error, stands in [errors](errors.md); OpenFeature's own API in [OpenFeature](openfeature.md). gRPC
clients that ask by reflection (\`grpc.reflection.v1\` and \`v1alpha\`) find the same.

In JSON, fields have the names of the column "in JSON", or those of the proto; a field that does not exist is an error. Enums are
written by name, a \`Timestamp\` as \`"2026-01-31T09:00:00Z"\`, an \`int64\` as a text, a \`Struct\` as an object, \`Empty\` as \`{}\`. Answers
leave out what is absent of optional fields, of messages and of oneofs, and write every other field. Of the fields of a oneof at
most one is set.

The examples can be sent to a service that was started by \`npm start\`; elsewhere replace \`${BASE_URL}\`.
`;

/** The proto files as the compiler reads them, with their comments. */
function readFiles() {
  const folder = mkdtempSync(join(tmpdir(), "api-"));
  try {
    const image = join(folder, "image.binpb");
    const buf = join(dirname(createRequire(import.meta.url).resolve("@bufbuild/buf/package.json")), "bin/buf");
    execFileSync(process.execPath, [buf, "build", "--output", image], { cwd: ROOT });
    const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(image)));
    return FILES.map((name) => {
      const file = registry.getFile(name);
      if (file === undefined) throw new Error(`there is no ${name} in proto/`);
      return file;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What a file says of its parts, by their paths in its descriptor. */
class Source {
  #locations;

  constructor(file) {
    this.#locations = new Map(file.proto.sourceCodeInfo.location.map((one) => [one.path.join("."), one]));
  }

  /** The line that a part begins at. */
  lineOf(path) {
    return this.#at(path).span[0];
  }

  /** The comment above a part; one beside it would be overlooked, so it is refused. */
  commentOf(path) {
    const { leadingComments, trailingComments } = this.#at(path);
    if (trailingComments.trim() !== "") throw new Error(`write above what it is of: ${trailingComments.trim()}`);
    return linesOf(leadingComments).join("\n").trim();
  }

  /** The title of a section that begins before a part, and what is said of the section; undefined where none begins. */
  sectionBefore(path) {
    const [text] = this.#at(path).leadingDetachedComments;
    if (text === undefined) return undefined;
    const words = linesOf(text.replaceAll(/^ *-{9,}$/gm, ""))
      .join("\n")
      .trim();
    const end = words.indexOf(".");
    const title = (end === -1 ? words : words.slice(0, end)).replaceAll("\n", " ");
    return { title, text: end === -1 ? "" : words.slice(end + 1).trim() };
  }

  #at(path) {
    const location = this.#locations.get(path.join("."));
    if (location === undefined) throw new Error(`nothing is at ${path.join(".")}`);
    return location;
  }
}

function linesOf(comment) {
  return comment.split("\n").map((line) => line.replace(/^ /, "").trimEnd());
}

/** Prose as it is; lines that are indented, as a block that keeps their columns. */
function paragraphs(comment) {
  return comment
    .replaceAll(
      /(?:^ {2,}.*(?:\n|$))+/gm,
      (block) => `\n\`\`\`text\n${block.replaceAll(/^ {2}/gm, "").trimEnd()}\n\`\`\`\n\n`,
    )
    .split(/(```text[^]*?```)/)
    .map((part) => (part.startsWith("```") ? part : escaped(part)))
    .join("")
    .trim();
}

function cell(comment) {
  return escaped(comment.replaceAll(/\n+/g, " ")).replaceAll("|", "\\|");
}

function escaped(text) {
  return text.replaceAll("<", "&lt;");
}

function nameIn(file, desc) {
  return desc.typeName.slice(file.proto.package.length + 1);
}

function anchorOf(name) {
  return name.toLowerCase().replaceAll(".", "");
}

function linkTo(file, desc) {
  if (desc.file.name !== file.name) return `\`${desc.typeName}\``;
  const name = nameIn(file, desc);
  return `[${name}](#${anchorOf(name)})`;
}

function typeOf(file, { scalar, message, enum: enumeration }) {
  return scalar === undefined ? linkTo(file, message ?? enumeration) : `\`${ScalarType[scalar].toLowerCase()}\``;
}

function typeOfField(file, field) {
  if (field.fieldKind === "map") {
    const value = field.mapKind === "scalar" ? { scalar: field.scalar } : field;
    return `map: \`${ScalarType[field.mapKey].toLowerCase()}\` to ${typeOf(file, value)}`;
  }
  if (field.fieldKind === "list") {
    const item = field.listKind === "scalar" ? { scalar: field.scalar } : field;
    return `list of ${typeOf(file, item)}`;
  }
  const type = typeOf(file, field);
  if (field.oneof !== undefined) return `${type}, of oneof \`${field.oneof.name}\``;
  return field.proto.proto3Optional ? `optional ${type}` : type;
}

function table(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`.replaceAll("|  |", "| |"));
}

function describeMessage(file, source, message, path) {
  const oneofs = message.oneofs.flatMap((oneof) => {
    const comment = source.commentOf([...path, IN_MESSAGE.oneof, message.proto.oneofDecl.indexOf(oneof.proto)]);
    return comment === "" ? [] : ["", `Oneof \`${oneof.name}\`: ${escaped(comment)}`];
  });
  const rows = message.fields.map((field) => [
    field.number,
    `\`${field.name}\``,
    `\`${field.jsonName}\``,
    typeOfField(file, field),
    cell(source.commentOf([...path, IN_MESSAGE.field, message.proto.field.indexOf(field.proto)])),
  ]);
  return [
    ...heading(file, source, message, path),
    "",
    ...(rows.length === 0 ? ["It has no fields."] : table(["no.", "field", "in JSON", "type", "meaning"], rows)),
    ...oneofs,
    "",
    ...message.nestedEnums.flatMap((one, index) => describeEnum(file, source, one, [...path, IN_MESSAGE.enum, index])),
    ...message.nestedMessages.flatMap((one) =>
      describeMessage(file, source, one, [...path, IN_MESSAGE.message, message.proto.nestedType.indexOf(one.proto)]),
    ),
  ];
}

function describeEnum(file, source, enumeration, path) {
  const rows = enumeration.values.map((value, index) => [
    value.number,
    `\`${value.name}\``,
    cell(source.commentOf([...path, IN_ENUM.value, index])),
  ]);
  return [...heading(file, source, enumeration, path), "", ...table(["no.", "value", "meaning"], rows), ""];
}

function heading(file, source, desc, path) {
  const comment = paragraphs(source.commentOf(path));
  return [`### ${nameIn(file, desc)}`, ...(comment === "" ? [] : ["", comment])];
}

function describeMethod(file, source, method, path) {
  const body = EXAMPLES[method.parent.typeName]?.[method.name];
  const url = `/${method.parent.typeName}/${method.name}`;
  const isUnary = method.methodKind === "unary";
  if (isUnary !== (body !== undefined))
    throw new Error(`build/api-examples.js needs a request of every unary method, and of no other: ${url}`);
  const isRead = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
  return [
    `### ${method.name}`,
    "",
    paragraphs(source.commentOf(path)),
    "",
    `\`POST ${url}\`: takes ${linkTo(file, method.input)}, answers ${isUnary ? "" : "a stream of "}${linkTo(file, method.output)}.` +
      (isRead ? " It has no side effects." : "") +
      (isUnary ? "" : " Streams are not to be had as plain JSON."),
    "",
    ...(isUnary ? [...example(url, body), ""] : []),
  ];
}

function example(url, body) {
  const inOneLine = JSON.stringify(body);
  const data = inOneLine.length > 110 ? JSON.stringify(body, null, 2) : inOneLine;
  if (data.includes("'")) throw new Error(`an example that a shell would cut: ${data}`);
  return ["```bash", `curl -H 'content-type: application/json' ${BASE_URL}${url} \\`, `  -d '${data}'`, "```"];
}

function describeService(file, source, service, path) {
  return [
    `## ${service.typeName}`,
    "",
    paragraphs(source.commentOf(path)),
    "",
    ...service.methods.flatMap((method, index) =>
      describeMethod(file, source, method, [...path, IN_SERVICE.method, index]),
    ),
  ];
}

function describeFile(file) {
  const source = new Source(file);
  const services = file.services.flatMap((one, index) => describeService(file, source, one, [IN_FILE.service, index]));
  const types = [
    ...file.messages.map((one, index) => ({ one, path: [IN_FILE.message, index], describe: describeMessage })),
    ...file.enums.map((one, index) => ({ one, path: [IN_FILE.enum, index], describe: describeEnum })),
  ].sort((a, b) => source.lineOf(a.path) - source.lineOf(b.path));
  const hasSections = types.some(({ path }) => source.sectionBefore(path) !== undefined);
  return [
    paragraphs(source.commentOf([IN_FILE.package])),
    "",
    ...services,
    ...(hasSections ? [] : [`## Messages of ${file.proto.package}`, ""]),
    ...types.flatMap(({ one, path, describe }) => [
      ...sectionHeading(source.sectionBefore(path)),
      ...describe(file, source, one, path),
    ]),
  ];
}

function sectionHeading(section) {
  if (section === undefined) return [];
  return [`## ${section.title}`, "", ...(section.text === "" ? [] : [paragraphs(section.text), ""])];
}

const page = [INTRODUCTION, ...readFiles().flatMap(describeFile)].join("\n").trimEnd() + "\n";
if (process.argv.includes("--print")) process.stdout.write(page);
else writeFileSync(join(ROOT, "docs/api.md"), page);
