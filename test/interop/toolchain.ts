import { it } from "@jest/globals";
import { probeToolchain } from "./run-command.js";

/** Says in the test's output what a client was made with. */
export function tell(line: string): void {
  process.stdout.write(`interop: ${line}\n`);
}

/** The version of a toolchain. Where it is missing: undefined, and the test's output says so. To be asked for while the file is read. */
export async function findToolchain(
  name: string,
  command: string,
  args: readonly string[],
): Promise<string | undefined> {
  const version = await probeToolchain(command, args);
  if (version === undefined)
    tell(`${name} is not installed here (\`${[command, ...args].join(" ")}\` fails), so its client is not run`);
  return version;
}

/** Tests that need toolchains: skipped where one of them is missing. */
export function itWith(...versions: readonly (string | undefined)[]): typeof it | typeof it.skip {
  return versions.includes(undefined) ? it.skip : it;
}
