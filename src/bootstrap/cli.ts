#!/usr/bin/env node
import { runCommand } from "./cli/run-command.js";

const exitCode = await runCommand(process.argv.slice(2), process.env, {
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
});
if (exitCode !== undefined) process.exitCode = exitCode;
