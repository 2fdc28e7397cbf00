import { settingsTable } from "../config/settings/setting.js";
import { SETTINGS } from "../config/settings/settings.js";
import { packageVersion } from "../package-version.js";
import { forgoTrimming } from "../sidecar/tune-garbage-collection.js";
import { COMMAND_HELP, HELP, isCommand } from "./help.js";
import { COMMAND_EXIT_CODES, type Output } from "./output.js";
import { parseCommandLine, UsageError } from "./parse-command-line.js";

const NO_ARGUMENTS = { positionals: [], options: {} } as const;

/**
 * Carries out one command.
 *
 * @returns the exit code, or undefined while the service runs and decides on it itself
 */
export async function runCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number | undefined> {
  try {
    return await dispatch(args, environment, output);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    output.err(`error: ${error.message}\n"entitlement-sidecar help" shows what there is.`);
    return COMMAND_EXIT_CODES.error;
  }
}

/** Each command is imported only when it is the one: none waits for the libraries of another. */
async function dispatch(
  [command = "serve", ...rest]: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number | undefined> {
  if (asksForHelp(rest)) {
    output.out(await helpOn(command));
    return 0;
  }
  switch (command) {
    case "serve":
      parseCommandLine(rest, NO_ARGUMENTS);
      forgoTrimming();
      await (await import("../sidecar/sidecar-main.js")).runSidecar();
      return undefined;
    case "consume":
      parseCommandLine(rest, NO_ARGUMENTS);
      await (await import("../persistent-cache/persistent-cache-main.js")).runPersistentCache();
      return undefined;
    case "check":
      return (await import("./commands/check-command.js")).checkCommand(rest, environment, output);
    case "explain":
      return (await import("./explain-command.js")).explainCommand(rest, environment, output);
    case "completion":
      output.out(
        (await import("./completion-command.js")).completionFor(
          parseCommandLine(rest, { positionals: ["bash|zsh|fish"], options: {} }).positionals[0],
        ),
      );
      return 0;
    case "decisions":
      return (await import("./decisions/decisions-command.js")).decisionsCommand(rest, environment, output);
    case "status":
      return (await import("./status-command.js")).statusCommand(rest, environment, output);
    case "whatif":
      return (await import("./whatif-command.js")).whatifCommand(rest, environment, output);
    case "validate":
      return (await import("./commands/validate-command.js")).validateCommand(rest, output);
    case "outbox":
      return (await import("./outbox-command.js")).outboxCommand(rest, environment, output);
    case "shadow":
      return (await import("./shadow/shadow-command.js")).shadowCommand(rest, environment, output);
    case "replay":
      return (await import("./shadow/replay-command.js")).replayCommand(rest, environment, output);
    case "drill":
      return (await import("./drill-command.js")).drillCommand(rest, environment, output);
    case "emulate":
      return (await import("./commands/emulate-command.js")).emulateCommand(rest, output);
    case "conformance":
      return (await import("./commands/conformance-command.js")).conformanceCommand(rest, output);
    case "help":
    case "--help":
    case "-h":
      output.out(await helpOn(rest[0]));
      return 0;
    case "--version":
    case "-v":
      output.out(packageVersion());
      return 0;
    default:
      throw new UsageError(`there is no command ${JSON.stringify(command)}`);
  }
}

/** Anywhere before "--": who has typed half a command wants to know how it goes on. */
function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === "--help" || arg === "-h");
}

async function helpOn(topic: string | undefined): Promise<string> {
  if (topic === "configuration") return settingsTable(SETTINGS);
  if (topic === "metrics") return (await import("../../adapters/ops/metrics/metrics.js")).metricsDocument();
  if (topic === undefined || topic.startsWith("-") || topic === "help") return HELP;
  if (isCommand(topic)) return COMMAND_HELP[topic];
  throw new UsageError(`there is no command ${JSON.stringify(topic)}`);
}
