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
  /** May also be given as a file, as every secret may. */
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

/** Settings that may also be given as a file, under the name with this behind it. */
const SUFFIX = "_FILE";

/** The name under which a setting is given as a file; undefined where it may not be. */
export function fileNameOf({
  name,
  isSecret,
  mayBeFile,
}: Pick<Setting<unknown>, "name" | "isSecret" | "mayBeFile">): string | undefined {
  return isSecret || mayBeFile ? `${name}${SUFFIX}` : undefined;
}

/** A configuration as a Markdown table, as the documentation shows it. */
export function settingsTable(settings: Readonly<Record<string, Setting<unknown>>>): string {
  const rows = Object.values(settings).map(
    ({ name, otherNames, defaultText, description, ...rest }) =>
      `| ${[name, ...otherNames, fileNameOf({ name, ...rest })].filter((each) => each !== undefined).join(", ")} | ${cell(defaultText)} | ${cell(description)} |`,
  );
  return ["| variable | default | meaning |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
