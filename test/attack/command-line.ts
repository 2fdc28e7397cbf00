import { existsSync } from "node:fs";
import { parseArgs } from "node:util";

export interface AttackOptions {
  /** Empty: all. */
  readonly names: readonly string[];
  /** Each class for half a second on one service, without the peer. */
  readonly isSmoke: boolean;
  /** One server of each kind for all classes, for as long as it lasts: sooner done, where to start one takes long. */
  readonly isShared: boolean;
  /** How long each attack goes on, milliseconds. */
  readonly attackMs: number;
  /** The Node that servers run on. */
  readonly node: string;
  /** Whether the table replaces the one in docs/security.md. */
  readonly writesTable: boolean;
}

/** What was asked for cannot be done as it was asked. The message says what can. */
export class AttackUsageError extends Error {}

const FULL_SECONDS = 3;
const SMOKE_SECONDS = 0.5;

/** @throws AttackUsageError */
export function parseCommandLine(argv: readonly string[], known: readonly string[]): AttackOptions {
  const { values, positionals } = parsed(argv);
  const unknown = positionals.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new AttackUsageError(`there is no class ${unknown.join(", ")}; classes are ${known.join(", ")}`);
  const node = values.node ?? process.execPath;
  if (!existsSync(node))
    throw new AttackUsageError(`--node ${node}: there is no such file; give the path of a Node binary`);
  const seconds = values.seconds === undefined ? (values.smoke ? SMOKE_SECONDS : FULL_SECONDS) : Number(values.seconds);
  if (!(seconds > 0 && seconds <= 60))
    throw new AttackUsageError(`--seconds ${values.seconds ?? ""}: give a number above 0, and 60 at most`);
  if (values.write && (values.smoke || positionals.length > 0))
    throw new AttackUsageError("--write keeps the table of a full run: leave out --smoke and names");
  return {
    names: positionals,
    isSmoke: values.smoke,
    isShared: values.smoke || values.shared,
    attackMs: seconds * 1_000,
    node,
    writesTable: values.write,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        smoke: { type: "boolean", default: false },
        shared: { type: "boolean", default: false },
        seconds: { type: "string" },
        node: { type: "string" },
        write: { type: "boolean", default: false },
      },
    });
  } catch (error) {
    throw new AttackUsageError(
      `${error instanceof Error ? error.message : String(error)}; options are --smoke, --shared, --seconds <n>, --node <binary> and --write`,
    );
  }
}
