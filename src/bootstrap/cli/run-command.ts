import { settingsTable } from "../config/settings-table.js";
import { packageVersion } from "../package-version.js";
import { runSidecar } from "../sidecar-main.js";
import { checkCommand } from "./check-command.js";
import { COMMAND_EXIT_CODES } from "./exit-codes.js";
import { HELP } from "./help.js";
import type { Output } from "./output.js";
import { parseCommandLine } from "./parse-command-line.js";
import { UsageError } from "./usage-error.js";
import { validateCommand } from "./validate-command.js";

const NO_ARGUMENTS = { positionals: [], options: {} } as const;

/**
 * Carries out one command.
 *
 * @returns the exit code, or undefined while the service runs and decides on it itself
 */
export async function runCommand(args: readonly string[], environment: NodeJS.ProcessEnv, output: Output): Promise<number | undefined> {
  try {
    return await dispatch(args, environment, output);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    output.err(`error: ${error.message}\n"entitlement-sidecar help" shows what there is.`);
    return COMMAND_EXIT_CODES.error;
  }
}

async function dispatch([command = "serve", ...rest]: readonly string[], environment: NodeJS.ProcessEnv, output: Output): Promise<number | undefined> {
  switch (command) {
    case "serve":
      parseCommandLine(rest, NO_ARGUMENTS);
      await runSidecar();
      return undefined;
    case "check":
      return checkCommand(rest, environment, output);
    case "validate":
      return validateCommand(rest, output);
    case "emulate": {
      // Brings a GraphQL server with it, which the other commands need not wait for.
      const { emulateCommand } = await import("./emulate-command.js");
      return emulateCommand(rest, output);
    }
    case "help":
    case "--help":
    case "-h":
      output.out(rest[0] === "configuration" ? settingsTable() : HELP);
      return 0;
    case "--version":
    case "-v":
      output.out(packageVersion());
      return 0;
    default:
      throw new UsageError(`there is no command ${JSON.stringify(command)}`);
  }
}
