import { type CommandOptions, tryCommand } from "./run-command.js";

/** What a client prints for each of its checks, one JSON line. */
export interface CheckLine {
  readonly check: string;
  readonly ok: boolean;
  readonly faults?: readonly string[];
}

/** Runs a client against a sidecar and reads what it found. */
export async function runClient(
  command: string,
  args: readonly string[],
  address: string,
  options: CommandOptions = {},
): Promise<readonly CheckLine[]> {
  const { code, stdout, stderr } = await tryCommand(command, [...args, address], options);
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  const report = lines.map((line) => JSON.parse(line) as CheckLine);
  const expectedCode = report.every(({ ok }) => ok) ? 0 : 1;
  if (code !== expectedCode || report.length === 0) {
    throw new Error(`the client exited ${code} after ${report.length} checks\n${stdout}\n${stderr}`);
  }
  return report;
}
