import type { LoadJob, LoadResult } from "../load/load-job.js";
import { Child } from "./child.js";

/** The process that puts load on servers, on a core of its own and warm from one load to the next. */
export class LoadGenerator {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  static async start(): Promise<LoadGenerator> {
    const child = Child.part("load/generator.ts", "serveJobs", { core: "load" }, ["--expose-gc"]);
    await child.message();
    return new LoadGenerator(child);
  }

  /** One job at a time. @throws Error where any answer was not what it had to be */
  async run(job: LoadJob): Promise<LoadResult> {
    const answered = this.#child.message();
    this.#child.send(job);
    const { result, failure } = (await answered) as { readonly result?: LoadResult; readonly failure?: string };
    if (result === undefined) throw new Error(`the load generator failed: ${failure ?? "without a reason"}`);
    const errors = Object.entries(result.errors);
    if (errors.length > 0)
      throw new Error(
        `not all answers were right: ${errors.map(([error, count]) => `${error} (${count})`).join(", ")}`,
      );
    if (result.answers === 0) throw new Error("nothing was answered");
    if (job.areAnswersDecoded && job.protocol === "grpc" && result.answers > 1_000 && result.verified === 0)
      throw new Error("no answer was verified");
    return result;
  }

  stop(): Promise<void> {
    return this.#child.stop();
  }
}
