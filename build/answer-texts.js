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

const ZEROS = { flag: "false", double: "0", integer: "0", text: '""' };

/** The module that writes answers as JSON, to the letter as the library would: fields by their numbers. */
export function textEncoders(loaded, header) {
  const { ANSWERS } = loaded;
  const code = new Code("text", loaded, textFunction);
  const entries = Object.keys(ANSWERS).map(
    (answer) => `  ${answer}: ${code.functionOf(ANSWERS[answer], `ANSWERS.${answer}`)},`,
  );
  return `${header(`import type { AnswerEncoders, AnswerTexts } from "../../answers/answer-encoders.js";
import { ANSWERS } from "../../answers/describe-answers.js";
import { enumTexts, numberText, timestampText } from "../../answers/json-text.js";
import { sharedText } from "../../answers/message-encoders.js";`)}
${code}
/** Each answer in protobuf's JSON form, fields that cannot be absent included. */
export const TEXT_ENCODERS: AnswerEncoders<AnswerTexts> = {
${entries.join("\n")}
};
`;
}

function textFunction(code, name, fields, { schema, members }) {
  const { lines, variables } = selections(code, fields, members);
  lines.push('let t = "";');
  // Whether a comma precedes a field: not the first; always once a field that cannot be absent was written; else it depends on the answer.
  let isFirst = true;
  let hasBefore = false;
  const key = (text) =>
    hasBefore ? quote(`,${text}`) : isFirst ? quote(text) : `(t === "" ? ${quote(text)} : ${quote(`,${text}`)})`;
  for (const each of fields) {
    const isAlwaysThere = each.field.presence === IMPLICIT && each.oneof === undefined;
    if (!each.isSent && !isAlwaysThere) continue;
    const write = !each.isSent
      ? [`t += ${key(`"${each.field.jsonName}":${zero(each.field)}`)};`]
      : textField(
          code,
          { ...each, schema },
          `${members}.${each.path}`,
          (text, value) =>
            `t += ${key(`"${each.field.jsonName}":${text}`)}${value === undefined ? "" : ` + ${value}`};`,
        );
    if (each.oneof === undefined) lines.push(...block(write));
    else lines.push(`if (${variables.get(each.oneof)} === ${quote(each.field.localName)}) {`, ...indent(write), "}");
    isFirst = false;
    hasBefore ||= isAlwaysThere;
  }
  return [`function ${name}(s, c) {`, ...indent([...lines, 'return "{" + t + "}";']), "}"].join("\n");
}

function textField(code, { field, described, schema }, path, put) {
  if (field.fieldKind === "list") return textList(code, field, described, path, put);
  if (field.fieldKind === "message") {
    if (isTimestamp(field))
      return [`const v = timestampText(${code.constant(path)}(s, c));`, `if (v !== undefined) ${put("", "v")}`];
    if (typeof described === "function") throw unknownKind(field);
    return firstPart(code, described, path, (part, place, source) => [
      put("", textMessage(code, part, place, source, `${code.constant(`${place}.context`)}(s, c)`)),
    ]);
  }
  const isImplicit = field.presence === IMPLICIT;
  const read = `const v = ${code.constant(path)}(s, c);`;
  if (kindOf(field) === "flag") {
    const either = `if (v) ${put("true")}\nelse ${isImplicit ? "" : "if (v !== undefined) "}${put("false")}`;
    return [read, ...either.split("\n")];
  }
  if (isImplicit)
    return [read, put("", `(v === undefined ? ${quote(zero(field))} : ${scalarText(code, field, schema)})`)];
  return [read, `if (v !== undefined) ${put("", scalarText(code, field, schema))}`];
}

function textMessage(code, part, place, source, context) {
  if (part.isShared) return `${code.shared(part.of, `sharedText(${place}.of)`)}(${source})`;
  return `${code.functionOf(part.of, `${place}.of`)}(${source}, ${context})`;
}

function textList(code, field, described, path, put) {
  if (field.listKind === "message") {
    const groups = described.flatMap((group, index) => {
      const place = `${path}[${index}]`;
      return block(
        eachItem(code, place, "for (let i = 0; i < items.length; i++) {", (source, context) => [
          `l += (l === "" ? "" : ",") + ${textMessage(code, group, place, source, context)};`,
        ]),
      );
    });
    return ['let l = "";', ...groups, put("[", 'l + "]"')];
  }
  if (kindOf(field) !== "text") throw unknownKind(field);
  return [put("", `JSON.stringify(${code.constant(path)}(s, c))`)];
}

/** The text of the variable v. */
function scalarText(code, field, schema) {
  switch (kindOf(field)) {
    case "double":
      return "numberText(v)";
    case "text":
      return "JSON.stringify(v)";
    case "integer":
      if (field.fieldKind !== "enum") return "v";
      // A number that the enum has no name for is written as it is, as protobuf says.
      return `(${code.shared(field.enum, `enumTexts(${schema}.field.${field.localName}.enum)`)}[v] ?? v)`;
    default:
      throw unknownKind(field);
  }
}

function zero(field) {
  if (field.fieldKind === "list") return "[]";
  if (field.fieldKind === "enum") return quote(field.enum.values[0].name);
  return ZEROS[kindOf(field)];
}
