import type { TestContext } from "vitest";
import { probeToolchain } from "./run-command.js";

/** Says in the test's output what a client was made with. */
export function tell(line: string): void {
  process.stdout.write(`interop: ${line}\n`);
}

/** The version of a toolchain, or a skipped test that says what is missing. */
export async function requireToolchain(
  context: TestContext,
  name: string,
  command: string,
  args: readonly string[],
): Promise<string> {
  const version = await probeToolchain(command, args);
  if (version !== undefined) return version;
  const note = `${name} is not installed here (\`${[command, ...args].join(" ")}\` fails), so its client is not run`;
  tell(note);
  return context.skip(note);
}
