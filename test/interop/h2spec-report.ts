import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { tryCommand } from "./run-command.js";

export interface H2specReport {
  readonly cases: number;
  /** What failed or was left out: "http2/6.9.1: Sends SETTINGS frame …". */
  readonly notPassed: readonly string[];
}

const CASE = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;
/** Seconds that it waits for what never comes. What passes waits for nothing. */
const TIMEOUT = "10";

/** Runs all of h2spec, its strict cases too, against a server on this machine. */
export async function runH2spec(
  executable: string,
  directory: string,
  port: number,
  options: readonly string[] = [],
): Promise<H2specReport> {
  const file = join(directory, "h2spec.xml");
  const { stdout, stderr } = await tryCommand(executable, [
    "-h",
    "127.0.0.1",
    "-p",
    String(port),
    "-o",
    TIMEOUT,
    "-S",
    "-j",
    file,
    ...options,
  ]);
  const report = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new Error(`h2spec wrote no report:\n${stdout}\n${stderr}`, { cause });
  });
  const cases = [...report.matchAll(CASE)];
  return {
    cases: cases.length,
    notPassed: cases
      .filter(([, , , outcome]) => outcome !== "")
      .map(([, section, title]) => `${section ?? ""}: ${title ?? ""}`),
  };
}
