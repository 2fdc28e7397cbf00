import type { FallbackValues } from "../../domain/decision/fallback.js";
import { CodedError } from "../../domain/errors.js";
import type { FallbackProvider } from "../../ports/checks.js";

/** The operator's fallbacks, by feature id. */
export class ConfiguredFallbackProvider implements FallbackProvider {
  readonly #fallbacks: ReadonlyMap<string, FallbackValues>;

  constructor(fallbacks: ReadonlyMap<string, FallbackValues>) {
    this.#fallbacks = fallbacks;
  }

  fallbackOf(featureId: string): FallbackValues | undefined {
    return this.#fallbacks.get(featureId);
  }

  all(): ReadonlyMap<string, FallbackValues> {
    return this.#fallbacks;
  }
}

/** @throws CodedError `invalid-argument` that names every fault by its path, also what is given twice */
export function parseFallbacksJson(text: string): ReadonlyMap<string, FallbackValues> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    throw new CodedError("invalid-argument", `is not JSON: ${fault}`, { cause: error });
  }
  return readFallbacks(
    parsed,
    duplicateMembers(text).map((path) => `${path}: is given more than once; keep one of them`),
  );
}

/** @throws CodedError `invalid-argument` that names every fault by its path */
export function parseFallbacks(value: unknown): ReadonlyMap<string, FallbackValues> {
  return readFallbacks(value, []);
}

function readFallbacks(value: unknown, faults: string[]): ReadonlyMap<string, FallbackValues> {
  const fallbacks = new Map<string, FallbackValues>();
  if (!isObject(value)) faults.push(`must be an object from feature id to fallback, not ${nameOf(value)}`);
  else {
    for (const [featureId, entry] of Object.entries(value)) {
      if (featureId === "") faults.push('[""]: a feature id must not be empty');
      const fallback = parseFallback(entry, `[${JSON.stringify(featureId)}]`, faults);
      if (fallback !== undefined) fallbacks.set(featureId, fallback);
    }
  }
  if (faults.length > 0) throw new CodedError("invalid-argument", faults.join("; "));
  return fallbacks;
}

interface Field {
  readonly allowed: string;
  readonly accepts: (value: unknown) => boolean;
}

const FIELDS: Readonly<Record<keyof FallbackValues, Field>> = {
  hasAccess: { allowed: "true or false", accepts: (value) => typeof value === "boolean" },
  usageLimit: { allowed: "a number", accepts: isFiniteNumber },
  isUnlimited: { allowed: "true or false", accepts: (value) => typeof value === "boolean" },
  value: { allowed: "a number", accepts: isFiniteNumber },
  enumValues: { allowed: "an array of strings", accepts: isArrayOfStrings },
};

function parseFallback(entry: unknown, path: string, faults: string[]): FallbackValues | undefined {
  if (!isObject(entry)) {
    faults.push(`${path}: must be an object such as {"hasAccess": true}, not ${nameOf(entry)}`);
    return undefined;
  }
  const known = faults.length;
  const values: Record<string, unknown> = {};
  if (!Object.hasOwn(entry, "hasAccess")) faults.push(`${path}.hasAccess: is required, true or false`);
  for (const [name, value] of Object.entries(entry)) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name as keyof FallbackValues] : undefined;
    if (field === undefined)
      faults.push(`${path}.${name}: is not a field of a fallback; there are ${Object.keys(FIELDS).join(", ")}`);
    // Serializers write null for what is left out; only access itself cannot be left out.
    else if (value === null && name !== "hasAccess") continue;
    else if (field.accepts(value)) values[name] = isArrayOfStrings(value) ? Object.freeze([...value]) : value;
    else faults.push(`${path}.${name}: must be ${field.allowed}, not ${nameOf(value)}`);
  }
  return faults.length > known ? undefined : Object.freeze({ hasAccess: values["hasAccess"] === true, ...values });
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFiniteNumber(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value);
}

function isArrayOfStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function nameOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  // JSON has no word for infinity, and would say null.
  return `${typeof value} ${typeof value === "number" ? String(value) : JSON.stringify(value)}`;
}

/** A text, or a sign that opens, divides or closes: what decides which member a name belongs to. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],]/g;

interface Level {
  /** The names so far; undefined in an array. */
  readonly names: Set<string> | undefined;
  /** The member or the item that is being read. */
  step: string | number;
  expectsName: boolean;
}

/**
 * The members that an object names more than once, at any depth: JSON.parse keeps the last of them without a word.
 *
 * @param json valid JSON
 * @returns the path of each, once: `["seats"].hasAccess`
 */
export function duplicateMembers(json: string): string[] {
  const duplicates = new Set<string>();
  const levels: Level[] = [];
  for (const [token] of json.matchAll(TOKEN)) {
    const level = levels.at(-1);
    if (token === "{") levels.push({ names: new Set(), step: "", expectsName: true });
    else if (token === "[") levels.push({ names: undefined, step: 0, expectsName: false });
    else if (token === "}" || token === "]") levels.pop();
    else if (level === undefined) continue;
    else if (token === ",") {
      level.expectsName = level.names !== undefined;
      if (typeof level.step === "number") level.step++;
    } else if (level.expectsName) {
      // Two spellings of one name are one name: "a" and "\u0061".
      const name = JSON.parse(token) as string;
      level.step = name;
      level.expectsName = false;
      if (level.names?.has(name) === true) duplicates.add(pathOf(levels));
      level.names?.add(name);
    }
  }
  return [...duplicates];
}

function pathOf(levels: readonly Level[]): string {
  return levels
    .map(({ step }, depth) => (typeof step === "number" || depth === 0 ? `[${JSON.stringify(step)}]` : `.${step}`))
    .join("");
}
