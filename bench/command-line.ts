import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Empty: all. */
  readonly names: readonly string[];
  readonly isSmoke: boolean;
  /** The Node that servers run on. */
  readonly node: string;
  /** Under which results are kept; undefined: by date and Node's version. */
  readonly resultName: string | undefined;
}

/** What was asked for cannot be done as it was asked. The message says what can. */
export class BenchUsageError extends Error {}

/** @throws BenchUsageError */
export function parseCommandLine(argv: readonly string[], known: readonly string[]): BenchOptions {
  const { values, positionals } = parsed(argv);
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new BenchUsageError(`there is no benchmark ${unknown.join(", ")}; benchmarks are ${known.join(", ")}`);
  const node = values.node ?? process.execPath;
  if (!existsSync(node))
    throw new BenchUsageError(`--node ${node}: there is no such file; give the path of a Node binary`);
  return { names: positionals, isSmoke: values.smoke, node, resultName: values.out };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: { smoke: { type: "boolean", default: false }, node: { type: "string" }, out: { type: "string" } },
    });
  } catch (error) {
    throw new BenchUsageError(
      `${error instanceof Error ? error.message : String(error)}; options are --smoke, --node <binary> and --out <name>`,
    );
  }
}
