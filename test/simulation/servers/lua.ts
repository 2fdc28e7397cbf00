/* eslint-disable @typescript-eslint/switch-exhaustiveness-check -- of a language that others define, a part is known here */
import * as luaparse from "luaparse";

/**
 * Scripts as Redis runs them, of as much of Lua as the product's scripts use. What is not known here fails loudly, and
 * the same scripts run on a real server in the tests.
 */
export type LuaValue = undefined | boolean | number | string | LuaTable | LuaFunction;
export type LuaFunction = (...args: LuaValue[]) => LuaValue;
export type RedisCall = (command: readonly string[]) => LuaValue;

export class LuaTable {
  readonly entries = new Map<LuaValue, LuaValue>();

  static list(items: readonly LuaValue[]): LuaTable {
    const table = new LuaTable();
    items.forEach((item, index) => table.set(index + 1, item));
    return table;
  }

  static of(entries: readonly (readonly [LuaValue, LuaValue])[]): LuaTable {
    const table = new LuaTable();
    for (const [key, value] of entries) table.set(key, value);
    return table;
  }

  get(key: LuaValue): LuaValue {
    return this.entries.get(key);
  }

  set(key: LuaValue, value: LuaValue): void {
    if (value === undefined) this.entries.delete(key);
    else this.entries.set(key, value);
  }

  get length(): number {
    let length = 0;
    while (this.entries.has(length + 1)) length++;
    return length;
  }
}

type Node = luaparse.Chunk["body"][number] | luaparse.Expression;

/** What a script finds there without having declared it. */
const GLOBALS = ["KEYS", "ARGV", "redis", "tonumber", "tostring", "string"] as const;

const HELPERS = { LuaTable, binary, isTrue, lengthOf, both, either };

type Compiled = (helpers: typeof HELPERS, globals: Readonly<Record<string, LuaValue>>) => LuaValue;

export class LuaScript {
  readonly #run: Compiled;

  constructor(source: string) {
    const { body } = luaparse.parse(source, { luaVersion: "5.1", comments: false });
    const names = new Names();
    for (const name of GLOBALS) names.declareAs(name, `globals.${name}`);
    const code = block(body, names);
    // Scripts run hundreds of thousands of times in a simulated day: to walk their syntax each time was a tenth of it.
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- of the product's own scripts
    this.#run = new Function(
      "helpers",
      "globals",
      `"use strict"; const { ${Object.keys(HELPERS).join(", ")} } = helpers;\n${code}`,
    ) as Compiled;
  }

  run(keys: readonly string[], args: readonly string[], call: RedisCall): LuaValue {
    const redis = new LuaTable();
    redis.set("call", (...command) => call(command.map(text)));
    return this.#run(HELPERS, {
      KEYS: LuaTable.list(keys),
      ARGV: LuaTable.list(args),
      redis,
      tonumber: toNumber,
      tostring: text,
      string: STRINGS,
    });
  }
}

/** By which name in JavaScript a variable goes: every declaration is another. */
class Names {
  readonly #names = new Map<string, string>();
  readonly #outer: Names | undefined;
  static #declared = 0;

  constructor(outer?: Names) {
    this.#outer = outer;
  }

  declare(name: string): string {
    const own = `${name}_${++Names.#declared}`;
    this.#names.set(name, own);
    return own;
  }

  declareAs(name: string, own: string): void {
    this.#names.set(name, own);
  }

  of(name: string): string {
    const own = this.#names.get(name) ?? this.#outer?.of(name);
    if (own === undefined) throw new Error(`${name} of Lua is not declared`);
    return own;
  }
}

function block(statements: readonly Node[], names: Names): string {
  return statements.map((statement) => statementCode(statement, names)).join("\n");
}

/** The server's scripts use a part of the language; what they do not use is refused by name. */
function statementCode(node: Node, names: Names): string {
  switch (node.type) {
    case "LocalStatement": {
      const values = node.init.map((each) => code(each, names));
      return node.variables
        .map(({ name }, at) => `let ${names.declare(name)} = ${values[at] ?? "undefined"};`)
        .join(" ");
    }
    case "AssignmentStatement": {
      const [variable, value, more] = [node.variables[0], node.init[0], node.variables[1]];
      if (variable === undefined || value === undefined || more !== undefined) throw unknown(node);
      if (variable.type === "Identifier") return `${names.of(variable.name)} = ${code(value, names)};`;
      if (variable.type !== "IndexExpression") throw unknown(variable);
      return `${code(variable.base, names)}.set(${code(variable.index, names)}, ${code(value, names)});`;
    }
    case "CallStatement":
      return `${code(node.expression, names)};`;
    case "FunctionDeclaration": {
      if (node.identifier?.type !== "Identifier") throw unknown(node);
      const name = node.isLocal ? `let ${names.declare(node.identifier.name)}` : names.of(node.identifier.name);
      return `${name} = ${functionCode(node, names)};`;
    }
    case "IfStatement":
      return node.clauses
        .map((clause) => {
          const body = `{ ${block(clause.body, new Names(names))} }`;
          return clause.type === "ElseClause" ? body : `if (isTrue(${code(clause.condition, names)})) ${body}`;
        })
        .join(" else ");
    case "ForNumericStatement": {
      const inner = new Names(names);
      const [from, to] = [code(node.start, names), code(node.end, names)];
      const step = node.step === null ? "1" : code(node.step, names);
      const [name, end, by] = [inner.declare(node.variable.name), inner.declare("end"), inner.declare("step")];
      return `for (let ${name} = ${from}, ${end} = ${to}, ${by} = ${step}; ${by} > 0 ? ${name} <= ${end} : ${name} >= ${end}; ${name} += ${by}) { ${block(node.body, inner)} }`;
    }
    case "BreakStatement":
      return "break;";
    case "ReturnStatement":
      return `return ${node.arguments[0] === undefined ? "undefined" : code(node.arguments[0], names)};`;
    default:
      throw unknown(node);
  }
}

function code(node: luaparse.Expression, names: Names): string {
  const of = (each: luaparse.Expression) => code(each, names);
  switch (node.type) {
    case "Identifier":
      return names.of(node.name);
    case "StringLiteral":
      // The library leaves the value out where the encoding is not reported.
      return JSON.stringify(valueOf(node));
    case "NumericLiteral":
    case "BooleanLiteral":
      return String(node.value);
    case "NilLiteral":
      return "undefined";
    case "MemberExpression":
      return `${of(node.base)}.get(${JSON.stringify(node.identifier.name)})`;
    case "IndexExpression":
      return `${of(node.base)}.get(${of(node.index)})`;
    case "CallExpression":
      return `${of(node.base)}(${node.arguments.map(of).join(", ")})`;
    case "LogicalExpression":
      return `${node.operator === "and" ? "both" : "either"}(${of(node.left)}, () => ${of(node.right)})`;
    case "UnaryExpression": {
      const value = of(node.argument);
      if (node.operator === "not") return `!isTrue(${value})`;
      return node.operator === "-" ? `-(${value})` : `lengthOf(${value})`;
    }
    case "BinaryExpression": {
      const [left, right] = [of(node.left), of(node.right)];
      if (node.operator === "==" || node.operator === "~=")
        return `(${left} ${node.operator === "==" ? "===" : "!=="} ${right})`;
      return `binary(${JSON.stringify(node.operator)}, ${left}, ${right})`;
    }
    case "TableConstructorExpression": {
      let next = 1;
      const entries = node.fields.map((field) => {
        if (field.type === "TableValue") return `[${next++}, ${of(field.value)}]`;
        const key = field.type === "TableKeyString" ? JSON.stringify(field.key.name) : of(field.key);
        return `[${key}, ${of(field.value)}]`;
      });
      return `LuaTable.of([${entries.join(", ")}])`;
    }
    case "FunctionDeclaration":
      return functionCode(node, names);
    default:
      throw unknown(node);
  }
}

function valueOf({ value, raw }: { readonly value: string | null; readonly raw: string }): string {
  return value ?? raw.slice(1, -1);
}

function functionCode({ parameters, body }: luaparse.FunctionDeclaration, names: Names): string {
  const inner = new Names(names);
  const own = parameters.map((parameter) => {
    if (parameter.type !== "Identifier") throw unknown(parameter);
    return inner.declare(parameter.name);
  });
  return `(${own.join(", ")}) => { ${block(body, inner)} }`;
}

function both(left: LuaValue, right: () => LuaValue): LuaValue {
  return isTrue(left) ? right() : left;
}

function either(left: LuaValue, right: () => LuaValue): LuaValue {
  return isTrue(left) ? left : right();
}

function lengthOf(value: LuaValue): number {
  return value instanceof LuaTable ? value.length : text(value).length;
}

function toNumber(value: LuaValue): LuaValue {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
}

function binary(operator: string, left: LuaValue, right: LuaValue): LuaValue {
  const numbers = () => [Number(left), Number(right)] as const;
  switch (operator) {
    case "..":
      return text(left) + text(right);
    case "<":
      return typeof left === "string" && typeof right === "string" ? left < right : Number(left) < Number(right);
    case ">":
      return binary("<", right, left);
    case "<=":
      return binary("<", right, left) !== true;
    case ">=":
      return binary("<", left, right) !== true;
    case "+":
      return numbers()[0] + numbers()[1];
    case "-":
      return numbers()[0] - numbers()[1];
    case "*":
      return numbers()[0] * numbers()[1];
    case "/":
      return numbers()[0] / numbers()[1];
    case "%":
      return ((numbers()[0] % numbers()[1]) + numbers()[1]) % numbers()[1];
    default:
      throw new Error(`the operator ${operator} of Lua is not known here`);
  }
}

/** Patterns without quantifiers of Lua's own: what a script finds numbers by. */
const matching: LuaFunction = (value, pattern) => {
  const expression = text(pattern).replaceAll("%", "\\");
  return new RegExp(expression).exec(text(value))?.[1];
};

function part(value: string, from: number, to = -1): string {
  const start = from < 0 ? value.length + from : from - 1;
  return value.slice(start, to < 0 ? value.length + to + 1 : to);
}

function text(value: LuaValue): string {
  if (value instanceof LuaTable || typeof value === "function") throw new Error("a table of Lua has no text");
  return value === undefined ? "nil" : String(value);
}

function isTrue(value: LuaValue): boolean {
  return value !== undefined && value !== false;
}

function unknown(node: { readonly type: string }): Error {
  return new Error(`${node.type} of Lua is not known here`);
}

const STRINGS = LuaTable.of([
  ["sub", (value, from, to) => part(text(value), from as number, to as number | undefined)],
  ["match", matching],
]);
