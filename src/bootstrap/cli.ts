#!/usr/bin/env node
import { obeySignals } from "./termination.js";

const args = process.argv.slice(2);
const [command = "serve"] = args;
obeySignals(command === "serve" || command === "emulate");

const { runCommand } = await import("./cli/run-command.js");
const exitCode = await runCommand(args, process.env, {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
});
if (exitCode !== undefined) process.exitCode = exitCode;
