import { FieldFault } from "./fault-log.js";

/** Called for each part of an answer that had to be left out, with the reason. */
export type ReportFault = (fault: FieldFault) => void;

const DECIMAL = /^-?\d{1,400}(?:\.\d{1,400})?(?:e[+-]?\d{1,3})?$/i;

/**
 * An object as it came over the wire, read field by field. Every reader throws a FieldFault where the field
 * is not what it has to be; the `optional` ones take null, and a field that is not there, as undefined. Of lenient
 * fields the optional ones never throw: what cannot be read is reported, and costs that field.
 */
export class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #path: string;
  readonly #report: ReportFault | undefined;
  readonly #entitlementId: string | undefined;

  private constructor(
    fields: ReadonlyMap<string, unknown>,
    path: string,
    report: ReportFault | undefined,
    entitlementId: string | undefined,
  ) {
    this.#fields = fields;
    this.#path = path;
    this.#report = report;
    this.#entitlementId = entitlementId;
  }

  /** @param path how faults name the object; "" for the outermost one */
  static of(value: unknown, path: string): Fields {
    return Fields.#of(value, path, undefined, undefined);
  }

  static #of(value: unknown, path: string, report: ReportFault | undefined, entitlementId: string | undefined): Fields {
    if (!isObject(value)) throw new FieldFault(path === "" ? "the whole" : path, "an object", value, entitlementId);
    // A map knows no inherited names: a payload without "constructor" must not seem to have one.
    return new Fields(new Map(Object.entries(value)), path, report, entitlementId);
  }

  /**
   * The same fields, and those of the objects in them, read leniently.
   *
   * @param entitlementId goes with each fault that is reported
   */
  lenient(report: ReportFault, entitlementId?: string): Fields {
    return new Fields(this.#fields, this.#path, report, entitlementId);
  }

  /** Whether a field is there, and is not what was read of it: what an `optional` reader gave is undefined for another reason. */
  isUnreadable(name: string, read: unknown): boolean {
    return read === undefined && this.raw(name) !== undefined;
  }

  /** Of lenient fields: reports a field that is not what it has to be. @throws FieldFault otherwise */
  costs(name: string, expected: string): void {
    const fault = this.#fault(name, expected, this.raw(name));
    if (this.#report === undefined) throw fault;
    this.#report(fault);
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
    return this.#optional(name, "a finite number", finiteNumberOf);
  }

  optionalFlag(name: string): boolean | undefined {
    return this.#optional(name, "true or false", (value) => (typeof value === "boolean" ? value : undefined));
  }

  /** Epoch milliseconds. */
  optionalTimestamp(name: string): number | undefined {
    return this.#optional(name, "an ISO date or epoch milliseconds", decodeTimestamp);
  }

  optionalTexts(name: string): readonly string[] | undefined {
    const value = this.raw(name);
    if (value === undefined || isTexts(value)) return value;
    this.costs(name, "a list of strings");
    return undefined;
  }

  object(name: string): Fields {
    return Fields.#of(this.raw(name), this.#pathOf(name), this.#report, this.#entitlementId);
  }

  optionalObject(name: string): Fields | undefined {
    const value = this.raw(name);
    if (value === undefined) return undefined;
    if (isObject(value)) return this.object(name);
    this.costs(name, "an object");
    return undefined;
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
    if (decoded === undefined) this.costs(name, expected);
    return decoded;
  }

  #refuse(name: string, expected: string): never {
    throw this.#fault(name, expected, this.raw(name));
  }

  #fault(name: string, expected: string, found: unknown): FieldFault {
    return new FieldFault(this.#pathOf(name), expected, found, this.#entitlementId);
  }

  #pathOf(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number, also as a text of one: some encoders write those that a double may not hold so. */
function finiteNumberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && DECIMAL.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** The last time that a date can hold, epoch milliseconds (ECMA-262, 21.4.1.1). */
const LAST_DATE_MS = 8.64e15;

const ISO_DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;
const EPOCH_DIGITS = /^-?\d{11,16}$/;

/**
 * Reads a timestamp as upstream spells it: an ISO date, or epoch milliseconds as a number or in digits. Both
 * spellings occur for the same field. A date without an offset is UTC, whatever zone this machine is in.
 *
 * @returns epoch milliseconds, or undefined where the value is not a date
 */
export function decodeTimestamp(value: unknown): number | undefined {
  if (typeof value === "number") return dateOrNothing(value);
  if (typeof value !== "string") return undefined;
  if (EPOCH_DIGITS.test(value)) return dateOrNothing(Number(value));
  const iso = ISO_DATE.exec(value);
  if (iso === null) return undefined;
  const hasTimeWithoutOffset = value.length > "2026-01-01".length && iso[1] === undefined;
  return dateOrNothing(Date.parse(hasTimeWithoutOffset ? `${value}Z` : value));
}

function dateOrNothing(timestamp: number): number | undefined {
  return Number.isFinite(timestamp) && Math.abs(timestamp) <= LAST_DATE_MS ? timestamp : undefined;
}
