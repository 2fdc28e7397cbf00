#!/usr/bin/env node
import { failAsCommand } from "./cli/command-process.js";
import { printable } from "./cli/output.js";
import { refuseToStart } from "./process/start-error.js";
import { obeySignals } from "./process/termination.js";

const given = process.argv.slice(2);
// The vendor's deployments choose the process by its image alone; what only one of the two is given tells which one is meant.
const args = given.length > 0 ? given : [(process.env["QUEUE_URL"] ?? "").trim() === "" ? "serve" : "consume"];
const [command = "serve"] = args;
const isService = command === "serve" || command === "consume";
obeySignals(isService || command === "emulate");
// The services say themselves what they end with.
if (!isService) failAsCommand(process);

// A command is over when it says so, not when all that it waits for are timers that keep no process alive.
const untilDone = setInterval(() => undefined, 60_000);
try {
  const { runCommand } = await import("./cli/run-command.js");
  const exitCode = await runCommand(args, process.env, {
    out: (text) => process.stdout.write(`${printable(text)}\n`),
    err: (text) => process.stderr.write(`${printable(text)}\n`),
  });
  if (exitCode !== undefined) process.exitCode = exitCode;
} catch (error) {
  if (!isService) throw error;
  refuseToStart("entitlement-sidecar", error);
} finally {
  clearInterval(untilDone);
}
