import type { Parser } from "./parsers.js";

/** One environment variable: how it is read, what it is when it is not set, and how it is documented. */
export interface Setting<T> {
  readonly name: string;
  /** Other names of the same; where several are given they have to agree. */
  readonly otherNames: readonly string[];
  readonly parser: Parser<unknown>;
  readonly whenUnset: (machine: Machine) => T;
  /** There is no start without it; `whenUnset` is then never asked. */
  readonly isRequired: boolean;
  /** The default as the documentation puts it. */
  readonly defaultText: string;
  readonly description: string;
  /** Never shown, in no message and no log line. */
  readonly isSecret: boolean;
  /** May also be given as a file, as every secret may: see file-settings. */
  readonly mayBeFile: boolean;
}

/** What a default may depend on besides the environment. */
export interface Machine {
  readonly memoryBytes: () => number;
}

interface Documentation {
  readonly description: string;
  readonly defaultText?: string;
  readonly isSecret?: boolean;
  readonly mayBeFile?: boolean;
  readonly otherNames?: readonly string[];
}

export function optional<T>(name: string, parser: Parser<T>, documentation: Documentation): Setting<T | undefined> {
  return setting(name, parser, () => undefined, { defaultText: "none", ...documentation });
}

export function required<T>(name: string, parser: Parser<T>, documentation: Documentation): Setting<T> {
  const never = () => {
    throw new Error(`${name} is required`);
  };
  return { ...setting<T>(name, parser, never, { defaultText: "required", ...documentation }), isRequired: true };
}

export function withDefault<T extends boolean | number | string>(
  name: string,
  parser: Parser<T>,
  value: T,
  documentation: Documentation,
): Setting<T> {
  return setting(name, parser, () => value, { defaultText: String(value), ...documentation });
}

export function setting<T>(
  name: string,
  parser: Parser<T>,
  whenUnset: (machine: Machine) => T,
  { description, defaultText = "none", isSecret = false, mayBeFile = false, otherNames = [] }: Documentation,
): Setting<T> {
  return { name, otherNames, parser, whenUnset, isRequired: false, defaultText, description, isSecret, mayBeFile };
}

/** What a table of settings holds once it is read. */
export type Values<Settings> = { readonly [K in keyof Settings]: Settings[K] extends Setting<infer T> ? T : never };
