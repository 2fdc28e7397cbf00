import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";

const REPO = resolve(import.meta.dirname, "../../..");
export const PERSISTENT_CACHE = resolve(REPO, "dist/bootstrap/persistent-cache.js");
const CLI = resolve(REPO, "dist/bootstrap/cli.js");

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartLine {
  readonly address: string;
  readonly grpcPort: number;
  readonly metricsPort: number;
  readonly tlsPort?: number;
  readonly source: string;
  readonly try: string;
}

/** The built command line, as a process of its own: nothing but its output, its ports and its end can be seen. */
export class ServiceProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  #stdout = "";
  #stderr = "";
  readonly #watchers = new Set<() => void>();

  /**
   * @param program one of the package's commands, as it is built
   * @param node the binary that runs it
   */
  constructor(
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    cwd = REPO,
    program = CLI,
    node = process.execPath,
  ) {
    if (!existsSync(program)) throw new Error(`${program} does not exist: run "npm run build" first`);
    this.child = spawn(node, [program, ...args], { cwd, env: { PATH: process.env["PATH"] ?? "", ...environment } });
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      this.#look();
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#look();
    });
    this.ended = new Promise((done) => {
      this.child.once("close", (code, signal) => {
        done({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
        this.#look();
      });
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** What the service tells once it answers checks. */
  async started(): Promise<StartLine> {
    const [line = ""] = await this.printed(/^\{.*"grpcPort".*\}$/m);
    return JSON.parse(line) as StartLine;
  }

  /** Resolves once standard output matches. */
  printed(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#matched(pattern, () => this.#stdout);
  }

  /** Resolves once standard error matches. */
  warned(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#matched(pattern, () => this.#stderr);
  }

  #matched(pattern: RegExp, output: () => string): Promise<RegExpExecArray> {
    return new Promise((done, fail) => {
      const look = () => {
        const match = pattern.exec(output());
        const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
        if (match === null && !hasEnded) return;
        this.#watchers.delete(look);
        if (match !== null) done(match);
        else
          fail(
            new Error(
              `the process ended (${this.child.exitCode ?? this.child.signalCode}) without printing ${pattern}:\n${this.#stdout}${this.#stderr}`,
            ),
          );
      };
      this.#watchers.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of this.#watchers) look();
  }
}

/** Runs one command to its end. */
export function runToEnd(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  cwd?: string,
): Promise<Ended> {
  return new ServiceProcess(args, environment, cwd).ended;
}
