#!/usr/bin/env node
import { obeySignals } from "./process/termination.js";

const args = process.argv.slice(2);
const [command = "serve"] = args;
obeySignals(command === "serve" || command === "emulate");

// A command is over when it says so, not when all that it waits for are timers that keep no process alive.
const untilDone = setInterval(() => undefined, 60_000);
const { runCommand } = await import("./cli/run-command.js");
const exitCode = await runCommand(args, process.env, {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
});
clearInterval(untilDone);
if (exitCode !== undefined) process.exitCode = exitCode;
