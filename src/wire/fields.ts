import { decodeMoment } from "./decode-moment.js";
import { FieldFault } from "./field-fault.js";

/**
 * An object as it came over the wire, read field by field. Every reader throws a FieldFault where the field
 * is not what it has to be; the `optional` ones take null, and a field that is not there, as undefined.
 */
export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #path: string;

  private constructor(fields: ReadonlyMap<string, unknown>, path: string) {
    this.#fields = fields;
    this.#path = path;
  }

  /** @param path how faults name the object; "" for the outermost one */
  static of(value: unknown, path: string): Fields {
    if (!isObject(value)) throw new FieldFault(path === "" ? "the whole" : path, "an object", value);
    // A map knows no inherited names: a payload without "constructor" must not seem to have one.
    return new Fields(new Map(Object.entries(value)), path);
  }

  raw(name: string): unknown {
    return this.#fields.get(name) ?? undefined;
  }

  names(): Iterable<string> {
    return this.#fields.keys();
  }

  /** Never empty: the texts that have to be there are names and ids. */
  text(name: string): string {
    const value = this.raw(name);
    if (typeof value !== "string" || value === "") throw this.#fault(name, "a non-empty string", value);
    return value;
  }

  optionalText(name: string): string | undefined {
    return this.#optional(name, "a string", (value) => (typeof value === "string" ? value : undefined));
  }

  number(name: string): number {
    return this.optionalNumber(name) ?? this.#refuse(name, "a finite number");
  }

  optionalNumber(name: string): number | undefined {
    return this.#optional(name, "a finite number", (value) => (isFiniteNumber(value) ? value : undefined));
  }

  optionalFlag(name: string): boolean | undefined {
    return this.#optional(name, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  /** Epoch milliseconds. */
  optionalMoment(name: string): number | undefined {
    return this.#optional(name, "an ISO date or epoch milliseconds", decodeMoment);
  }

  optionalTexts(name: string): readonly string[] | undefined {
    return this.#optional(name, "a list of strings", (value) => (isTexts(value) ? value : undefined));
  }

  object(name: string): Fields {
    return Fields.of(this.raw(name), this.#pathOf(name));
  }

  optionalObject(name: string): Fields | undefined {
    return this.raw(name) === undefined ? undefined : this.object(name);
  }

  /** One of a closed set of names, in any case. */
  optionalChoice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    return this.#optional(name, `one of ${choices.join(", ")}`, (value) => {
      if (typeof value !== "string") return undefined;
      const lower = value.toLowerCase();
      return choices.find((choice) => choice.toLowerCase() === lower);
    });
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    return this.optionalChoice(name, choices) ?? this.#refuse(name, `one of ${choices.join(", ")}`);
  }

  #optional<T>(name: string, expected: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    const decoded = read(value);
    if (decoded === undefined) throw this.#fault(name, expected, value);
    return decoded;
  }

  #refuse(name: string, expected: string): never {
    throw this.#fault(name, expected, this.raw(name));
  }

  #fault(name: string, expected: string, found: unknown): FieldFault {
    return new FieldFault(this.#pathOf(name), expected, found);
  }

  #pathOf(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
