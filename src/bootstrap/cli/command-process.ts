import { environmentFault } from "../process/start-error.js";
import { COMMAND_EXIT_CODES } from "./output.js";

/** What of a process a command has to do with. */
type CommandProcess = Pick<NodeJS.Process, "stdout" | "stderr" | "on" | "exit" | "exitCode">;

/**
 * Has a process end with the code for an error where a command fails in a way that was not foreseen, or where what it says cannot
 * be written. Node's own code for both is 1, which scripts read as an answer: denied, not valid, somebody loses.
 */
export function failAsCommand(process: CommandProcess): void {
  let isUnsaid = false;
  // Who reads the first line alone (`| head -1`, `| grep -q`) has what they wanted, and the answer is still the answer.
  process.stderr.on("error", () => undefined);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || isUnsaid) return;
    isUnsaid = true;
    process.stderr.write(`error: the answer cannot be written: ${error.message}\n`);
  });
  process.on("exit", () => {
    if (isUnsaid) process.exitCode = COMMAND_EXIT_CODES.error;
  });
  process.on("uncaughtException", (error) => {
    const fault = environmentFault(error);
    process.stderr.write(
      fault === undefined
        ? `error: the command failed in a way that was not foreseen: ${error.stack ?? String(error)}\n`
        : `error: ${fault}\n`,
    );
    process.exit(COMMAND_EXIT_CODES.error);
  });
}
