import type { LoadJob } from "./load-job.js";
import { runJob } from "./run-job.js";

/** Runs as a process of its own: does one job after the other, as it is told by its parent. */
export function serveJobs(): void {
  process.on("message", (job: LoadJob) => {
    runJob(job).then(
      (result) => process.send?.({ result }),
      (error: unknown) =>
        process.send?.({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    );
  });
  process.on("disconnect", () => process.exit());
  process.send?.("ready");
}
