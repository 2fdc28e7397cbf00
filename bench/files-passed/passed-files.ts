import type { Inspector } from "../processes/inspector.js";

interface FunctionCoverage {
  readonly ranges: readonly [{ readonly startOffset: number; readonly count: number }];
}

interface ScriptCoverage {
  readonly scriptId: string;
  readonly url: string;
  readonly functions: readonly FunctionCoverage[];
}

/** Where a source file begins in a script, in the order of the script. */
type Beginnings = readonly { readonly file: string; readonly offset: number }[];

/** The source files whose functions a process runs, told apart in its bundles by the comment that begins each. */
export class PassedFiles {
  readonly #inspector: Inspector;
  readonly #beginnings = new Map<string, Beginnings>();

  private constructor(inspector: Inspector) {
    this.#inspector = inspector;
  }

  static async of(inspector: Inspector): Promise<PassedFiles> {
    await inspector.call("Debugger.enable");
    await inspector.call("Profiler.enable");
    await inspector.call("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    return new PassedFiles(inspector);
  }

  /** Those that each of `times` runs passes. @param run one request, after which nothing of it goes on */
  async byEach(times: number, run: (index: number) => Promise<unknown>): Promise<ReadonlySet<string>> {
    let inAll: ReadonlySet<string> | undefined;
    for (let index = 0; index < times; index++) {
      await this.#take();
      await run(index);
      const files = await this.#take();
      inAll = inAll === undefined ? files : new Set([...inAll].filter((file) => files.has(file)));
    }
    return inAll ?? new Set();
  }

  /** The files passed since it was called before. */
  async #take(): Promise<ReadonlySet<string>> {
    const { result } = (await this.#inspector.call("Profiler.takePreciseCoverage")) as { result: ScriptCoverage[] };
    const files = new Set<string>();
    for (const { scriptId, url, functions } of result) {
      if (!url.includes("/dist/")) continue;
      const beginnings = await this.#beginningsOf(scriptId);
      for (const { ranges } of functions) {
        // At 0 is the script itself, which runs once.
        const [{ startOffset, count }] = ranges;
        const file = beginnings.findLast(({ offset }) => offset < startOffset)?.file;
        if (count > 0 && startOffset > 0 && file?.startsWith("src/") === true) files.add(file);
      }
    }
    return files;
  }

  async #beginningsOf(scriptId: string): Promise<Beginnings> {
    const known = this.#beginnings.get(scriptId);
    if (known !== undefined) return known;
    const reply = await this.#inspector.call("Debugger.getScriptSource", { scriptId });
    const { scriptSource } = reply as { readonly scriptSource: string };
    const found = Array.from(scriptSource.matchAll(/^\/\/ (\S+\.[jt]s)$/gm), ({ index, 1: file = "" }) => ({
      file,
      offset: index,
    }));
    this.#beginnings.set(scriptId, found);
    return found;
  }
}
