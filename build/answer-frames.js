import {
  block,
  Code,
  eachItem,
  firstPart,
  IMPLICIT,
  indent,
  isTimestamp,
  kindOf,
  quote,
  selections,
  unknownKind,
} from "./answer-code.js";

/** The module that writes answers as gRPC frames: from the last field to the first, as FrameWriter does. */
export function frameEncoders(loaded, header) {
  const { ANSWERS } = loaded;
  const code = new Code("write", loaded, frameFunction);
  const entries = Object.keys(ANSWERS).map((answer) => {
    const write = code.functionOf(ANSWERS[answer], `ANSWERS.${answer}`);
    return `    ${answer}(s, c) {\n      w.begin();\n      ${write}(w, s, c);\n      return w.finish();\n    },`;
  });
  return `${header(`import { FrameWriter } from "../../answers/frame-writer.js";
import type { AnswerEncoders, AnswerFrames } from "../../answers/answer-encoders.js";
import { ANSWERS } from "../../answers/describe-answers.js";
import { sharedBytes } from "../../answers/message-encoders.js";`)}
${code}
/** Each answer as a gRPC frame; the message alone lies behind its first five bytes. */
export function frameEncoders(): AnswerEncoders<AnswerFrames> {
  const w = new FrameWriter();
  return {
${entries.join("\n")}
  };
}
`;
}

function frameFunction(code, name, fields, { members }) {
  const { lines, variables } = selections(code, fields, members);
  for (const each of fields.toReversed()) {
    if (!each.isSent) continue;
    const write = frameField(code, each, `${members}.${each.path}`);
    if (each.oneof === undefined) lines.push(...block(write));
    else lines.push(`if (${variables.get(each.oneof)} === ${quote(each.field.localName)}) {`, ...indent(write), "}");
  }
  return [`function ${name}(w, s, c) {`, ...indent(lines), "}"].join("\n");
}

function frameField(code, { field, described }, path) {
  const { number } = field;
  if (field.fieldKind === "list") return frameList(code, field, described, path);
  if (field.fieldKind === "message") {
    if (isTimestamp(field)) return [`w.timestamp(${number}, ${code.constant(path)}(s, c));`];
    if (typeof described === "function") throw unknownKind(field);
    return firstPart(code, described, path, (part, place, source) =>
      frameMessage(code, part, place, number, source, `${code.constant(`${place}.context`)}(s, c)`),
    );
  }
  const write = { flag: "flag", double: "double", integer: "integer", text: "text" }[kindOf(field)];
  return [`const v = ${code.constant(path)}(s, c);`, `if (${isSet(field, "v")}) w.${write}(${number}, v);`];
}

function frameMessage(code, part, place, number, source, context) {
  if (part.isShared) return [`w.bytes(${number}, ${code.shared(part.of, `sharedBytes(${place}.of)`)}(${source}));`];
  return [
    "const n = w.length;",
    `${code.functionOf(part.of, `${place}.of`)}(w, ${source}, ${context});`,
    `w.message(${number}, n);`,
  ];
}

function frameList(code, field, described, path) {
  if (field.listKind === "message") {
    return described.toReversed().flatMap((group, index) => {
      const place = `${path}[${described.length - 1 - index}]`;
      return block(
        eachItem(code, place, "for (let i = items.length - 1; i >= 0; i--) {", (source, context) =>
          frameMessage(code, group, place, field.number, source, context),
        ),
      );
    });
  }
  if (kindOf(field) !== "text") throw unknownKind(field);
  return [
    `const v = ${code.constant(path)}(s, c);`,
    `for (let i = v.length - 1; i >= 0; i--) w.text(${field.number}, v[i]);`,
  ];
}

function isSet(field, value) {
  if (field.presence !== IMPLICIT) return `${value} !== undefined`;
  switch (kindOf(field)) {
    case "flag":
      return value;
    case "text":
      return `${value} !== undefined && ${value} !== ""`;
    // -0 is not the zero that is left out.
    case "double":
      return `${value} !== undefined && !Object.is(${value}, 0)`;
    default:
      return `${value} !== undefined && ${value} !== 0`;
  }
}
