import { parseArgs, type ParseArgsConfig } from "node:util";
import { nearestIds } from "../../domain/decision/nearest-ids.js";

/** What a command understands: its options as node:util has them, and its positional arguments by name. */
export interface CommandSyntax {
  readonly options: NonNullable<ParseArgsConfig["options"]>;
  readonly positionals: readonly string[];
  /** Whether further ones may follow. */
  readonly takesMore?: boolean;
}

type Parsed<S extends CommandSyntax> = ReturnType<typeof parseArgs<{ options: S["options"]; allowPositionals: true }>>;

/** @throws UsageError that names the argument */
export function parseCommandLine<const S extends CommandSyntax>(
  args: readonly string[],
  { options, positionals, takesMore = false }: S,
): Parsed<S> {
  let parsed: Parsed<S>;
  try {
    const joined = joinNegativeNumbers(args, options);
    refuseRepeated(joined, options);
    parsed = parseArgs({ args: joined, options, allowPositionals: true }) as Parsed<S>;
  } catch (error) {
    throw new UsageError(messageOf(error, Object.keys(options)));
  }
  const missing = positionals.slice(parsed.positionals.length);
  if (missing.length > 0) throw new UsageError(`missing: ${missing.map((name) => `<${name}>`).join(" ")}`);
  const surplus = parsed.positionals.slice(positionals.length);
  if (surplus.length > 0 && !takesMore) throw new UsageError(`not understood: ${surplus.join(" ")}`);
  return parsed;
}

/** node:util advises how to pass an option as a positional argument, which nobody wants who mistyped one. */
function messageOf(error: unknown, known: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, unknown] = /^Unknown option '(-[^']*)'/.exec(message) ?? [];
  if (unknown === undefined) return message;
  const [near] = nearestIds(unknown.replace(/^-+/, ""), known);
  return `there is no option '${unknown}'${near === undefined ? "" : `: did you mean --${near}?`}`;
}

/** node:util takes the last of several without a word. A flag that is repeated says the same twice. */
function refuseRepeated(args: readonly string[], options: CommandSyntax["options"]): void {
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== "option" || options[token.name]?.type !== "string") continue;
    if (seen.has(token.name)) throw new UsageError(`--${token.name} is given more than once; keep one of them`);
    seen.add(token.name);
  }
}

/** node:util takes "--requested-usage -3" for two options; people write it all the same. */
function joinNegativeNumbers(args: readonly string[], options: CommandSyntax["options"]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const previous = joined.at(-1);
    const takesValue = previous?.startsWith("--") === true && options[previous.slice(2)]?.type === "string";
    if (takesValue && /^-\d/.test(arg)) joined[joined.length - 1] = `${previous}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

/** The command line cannot be understood; the message says what is wrong with it. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
