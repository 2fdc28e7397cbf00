import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { it } from "@jest/globals";

const PROGRAM = ["chromium", "chromium-browser", "google-chrome"].find(
  (program) => spawnSync(program, ["--version"]).status === 0,
);
const run = promisify(execFile);

/** For a test that needs Chromium: skipped where there is none. */
export const itInChromium = PROGRAM === undefined ? it.skip : it;

/** A page as a browser has it after its script has run for some seconds of its own time, without script and style. */
export async function pageSeen(url: string): Promise<string> {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"));
  const options = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    `--user-data-dir=${profile}`,
    "--virtual-time-budget=6000",
    "--dump-dom",
  ];
  try {
    const { stdout } = await run(PROGRAM ?? "", [...options, url], { maxBuffer: 2 ** 24, timeout: 25_000 });
    return stdout.replace(/<(script|style)>[^]*?<\/\1>/g, "");
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
