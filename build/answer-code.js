// What generating the writers of answers has in common, whatever the form: see answer-writers.js.

/** protobuf's FieldPresence: a field that has no presence of its own is 0, false, "" or empty where it is left out. */
export const IMPLICIT = 2;
const SCALARS = { 1: "double", 5: "integer", 8: "flag", 9: "text" };

/** Declarations in the order in which they are needed, each of them once. */
export class Code {
  #prefix;
  #sortedFields;
  #functionBody;
  #functions = new Map();
  #shared = new Map();
  #lines = [];
  #constants = 0;

  constructor(prefix, { membersOf, NOT_SENT }, functionBody) {
    this.#prefix = prefix;
    this.#sortedFields = (description) => sortedFields(membersOf(description), NOT_SENT);
    this.#functionBody = functionBody;
  }

  /** @returns the name of the function that writes what is described; `path` is where it is found in ANSWERS */
  functionOf(description, path) {
    let name = this.#functions.get(description);
    if (name !== undefined) return name;
    name = `${this.#prefix}${description.schema.name}${this.#functions.size}`;
    this.#functions.set(description, name);
    const members = this.constant(`${path}.members`);
    const text = this.#functionBody(this, name, this.#sortedFields(description), { schema: `${path}.schema`, members });
    this.#lines.push("", `/** ${description.schema.typeName} */`, text, "");
    return name;
  }

  constant(value) {
    const name = `k${this.#constants++}`;
    this.#lines.push(`const ${name} = ${value};`);
    return name;
  }

  /** A constant that is the same for one thing wherever it is needed. */
  shared(thing, value) {
    let name = this.#shared.get(thing);
    if (name === undefined) this.#shared.set(thing, (name = this.constant(value)));
    return name;
  }

  toString() {
    return this.#lines.join("\n");
  }
}

/** Each field by its number, with what describes it. Fields of a oneof know the oneof. */
function sortedFields(members, notSent) {
  const fields = members.flatMap(([member, described]) => {
    if (member.kind !== "oneof")
      return [{ field: member, described, isSent: described !== notSent, path: member.localName }];
    if (described === notSent) return [];
    return member.fields.map((field) => ({
      field,
      oneof: member.localName,
      described: described.cases[field.localName],
      isSent: described.cases[field.localName] !== notSent,
      path: `${member.localName}.cases.${field.localName}`,
    }));
  });
  return fields.sort((a, b) => a.field.number - b.field.number);
}

/** What selects among the fields of each oneof. @returns the lines that do so, and the variable by oneof */
export function selections(code, fields, members) {
  const variables = new Map();
  const lines = [];
  for (const oneof of new Set(fields.flatMap(({ oneof }) => oneof ?? []))) {
    const variable = `case${variables.size}`;
    variables.set(oneof, variable);
    lines.push(`const ${variable} = ${code.constant(`${members}.${oneof}.select`)}(s, c);`);
  }
  return { lines, variables };
}

/** Lines for the first part that there is. `onPart` gets the part, where it is found, and the variable that is its source. */
export function firstPart(code, parts, path, onPart, index = 0) {
  const place = `${path}[${index}]`;
  const source = code.constant(`${place}.source`);
  const variable = `s${index}`;
  const lines = [
    `const ${variable} = ${source}(s, c);`,
    `if (${variable} !== undefined) {`,
    ...indent(onPart(parts[index], place, variable)),
  ];
  if (index + 1 < parts.length) lines.push("} else {", ...indent(firstPart(code, parts, path, onPart, index + 1)));
  return [...lines, "}"];
}

/** Which of the writer's values a field has; double, int32, bool and string are the scalars that answers have so far. */
export function kindOf(field) {
  const kind = field.fieldKind === "list" ? field.listKind : field.fieldKind;
  const known = kind === "enum" ? "integer" : kind === "scalar" ? SCALARS[field.scalar] : undefined;
  if (known === undefined) throw unknownKind(field);
  return known;
}

export function isTimestamp(field) {
  return field.message.typeName === "google.protobuf.Timestamp";
}

export function eachItem(code, place, loop, write) {
  const [items, source, context] = ["items", "source", "context"].map((name) => code.constant(`${place}.${name}`));
  return [
    `const items = ${items}(s, c);`,
    loop,
    ...indent([
      "const item = items[i];",
      `const of = ${source}(item);`,
      "if (of === undefined) continue;",
      ...write("of", `${context}(item)`),
    ]),
    "}",
  ];
}

export function unknownKind(field) {
  return new Error(
    `build/answer-writers.js cannot write ${field.parent.typeName}.${field.name}, ${field.toString()}: teach it to`,
  );
}

export function block(lines) {
  return lines.length === 1 ? lines : ["{", ...indent(lines), "}"];
}

export function indent(lines) {
  return lines.map((line) => `  ${line}`);
}

export function quote(text) {
  return JSON.stringify(text);
}
