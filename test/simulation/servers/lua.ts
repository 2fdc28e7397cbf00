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

class Scope {
  readonly #values = new Map<string, LuaValue>();
  readonly #outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.#outer = outer;
  }

  declare(name: string, value: LuaValue): void {
    this.#values.set(name, value);
  }

  get(name: string): LuaValue {
    return this.#values.has(name) ? this.#values.get(name) : this.#outer?.get(name);
  }

  assign(name: string, value: LuaValue): void {
    if (this.#values.has(name) || this.#outer === undefined) this.#values.set(name, value);
    else this.#outer.assign(name, value);
  }
}

/** What a block ends with, where it does not run to its end. */
type Outcome = undefined | "break" | { readonly returned: LuaValue };

export class LuaScript {
  readonly #chunk: luaparse.Chunk;

  constructor(source: string) {
    this.#chunk = luaparse.parse(source, { luaVersion: "5.1", comments: false });
  }

  run(keys: readonly string[], args: readonly string[], call: RedisCall): LuaValue {
    const scope = new Scope();
    scope.declare("KEYS", LuaTable.list(keys));
    scope.declare("ARGV", LuaTable.list(args));
    const redis = new LuaTable();
    redis.set("call", (...command) => call(command.map(text)));
    scope.declare("redis", redis);
    scope.declare("tonumber", (value) => {
      if (typeof value === "number") return value;
      return typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value))
        ? Number(value)
        : undefined;
    });
    scope.declare("tostring", (value) => text(value));
    const strings = new LuaTable();
    strings.set("sub", (value, from, to) => part(text(value), from as number, to as number | undefined));
    strings.set("match", matching);
    scope.declare("string", strings);
    const outcome = block(this.#chunk.body, scope);
    return typeof outcome === "object" ? outcome.returned : undefined;
  }
}

function block(statements: readonly Node[], scope: Scope): Outcome {
  for (const statement of statements) {
    const outcome = execute(statement, scope);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}

function execute(node: Node, scope: Scope): Outcome {
  // The server's scripts use a part of the language; what they do not use is refused by name.

  switch (node.type) {
    case "LocalStatement": {
      const values = node.init.map((each) => evaluate(each, scope));
      node.variables.forEach((variable, index) => scope.declare(variable.name, values[index]));
      return undefined;
    }
    case "AssignmentStatement": {
      const values = node.init.map((each) => evaluate(each, scope));
      node.variables.forEach((variable, index) => {
        const value = values[index];
        if (variable.type === "Identifier") scope.assign(variable.name, value);
        else if (variable.type === "IndexExpression")
          (evaluate(variable.base, scope) as LuaTable).set(evaluate(variable.index, scope), value);
        else throw unknown(variable);
      });
      return undefined;
    }
    case "CallStatement":
      evaluate(node.expression, scope);
      return undefined;
    case "FunctionDeclaration": {
      const made = functionOf(node, scope);
      if (node.identifier?.type !== "Identifier") throw unknown(node);
      if (node.isLocal) scope.declare(node.identifier.name, made);
      else scope.assign(node.identifier.name, made);
      return undefined;
    }
    case "IfStatement":
      for (const clause of node.clauses) {
        if (clause.type === "ElseClause" || isTrue(evaluate(clause.condition, scope)))
          return block(clause.body, new Scope(scope));
      }
      return undefined;
    case "ForNumericStatement": {
      const step = node.step === null ? 1 : (evaluate(node.step, scope) as number);
      const end = evaluate(node.end, scope) as number;
      for (let at = evaluate(node.start, scope) as number; step > 0 ? at <= end : at >= end; at += step) {
        const inner = new Scope(scope);
        inner.declare(node.variable.name, at);
        const outcome = block(node.body, inner);
        if (outcome === "break") break;
        if (outcome !== undefined) return outcome;
      }
      return undefined;
    }
    case "BreakStatement":
      return "break";
    case "ReturnStatement":
      return { returned: node.arguments[0] === undefined ? undefined : evaluate(node.arguments[0], scope) };
    default:
      throw unknown(node);
  }
}

function evaluate(node: luaparse.Expression, scope: Scope): LuaValue {
  switch (node.type) {
    case "Identifier":
      return scope.get(node.name);
    case "StringLiteral":
      // The library leaves the value out where the encoding is not reported.
      return valueOf(node);
    case "NumericLiteral":
    case "BooleanLiteral":
      return node.value;
    case "NilLiteral":
      return undefined;
    case "MemberExpression":
      return (evaluate(node.base, scope) as LuaTable).get(node.identifier.name);
    case "IndexExpression":
      return (evaluate(node.base, scope) as LuaTable).get(evaluate(node.index, scope));
    case "CallExpression":
      return (evaluate(node.base, scope) as LuaFunction)(...node.arguments.map((each) => evaluate(each, scope)));
    case "LogicalExpression": {
      const left = evaluate(node.left, scope);
      if (node.operator === "and") return isTrue(left) ? evaluate(node.right, scope) : left;
      return isTrue(left) ? left : evaluate(node.right, scope);
    }
    case "UnaryExpression": {
      const value = evaluate(node.argument, scope);
      if (node.operator === "not") return !isTrue(value);
      if (node.operator === "-") return -(value as number);
      return value instanceof LuaTable ? value.length : text(value).length;
    }
    case "BinaryExpression":
      return binary(node.operator, evaluate(node.left, scope), evaluate(node.right, scope));
    case "TableConstructorExpression": {
      const table = new LuaTable();
      let next = 1;
      for (const field of node.fields) {
        if (field.type === "TableValue") table.set(next++, evaluate(field.value, scope));
        else if (field.type === "TableKeyString") table.set(field.key.name, evaluate(field.value, scope));
        else table.set(evaluate(field.key, scope), evaluate(field.value, scope));
      }
      return table;
    }
    case "FunctionDeclaration":
      return functionOf(node, scope);
    default:
      throw unknown(node);
  }
}

function valueOf({ value, raw }: { readonly value: string | null; readonly raw: string }): string {
  return value ?? raw.slice(1, -1);
}

function functionOf({ parameters, body }: luaparse.FunctionDeclaration, scope: Scope): LuaFunction {
  return (...args) => {
    const inner = new Scope(scope);
    parameters.forEach(
      (parameter, index) => parameter.type === "Identifier" && inner.declare(parameter.name, args[index]),
    );
    const outcome = block(body, inner);
    return typeof outcome === "object" ? outcome.returned : undefined;
  };
}

function binary(operator: string, left: LuaValue, right: LuaValue): LuaValue {
  const numbers = () => [Number(left), Number(right)] as const;
  switch (operator) {
    case "==":
      return left === right;
    case "~=":
      return left !== right;
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
