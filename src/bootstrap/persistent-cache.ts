#!/usr/bin/env -S node --max-semi-space-size=4 --max-old-space-size=192
// Of short-lived objects this process has many and keeps few: room for 16 MB of them costs 40 MB and saves a tenth of the CPU.
import { refuseToStart } from "./process/start-error.js";
import { obeySignals } from "./process/termination.js";

const HELP = `persistent-cache-service
    Keeps a shared Redis up to date with what a queue (AWS SQS) tells of changes. Runs until a signal.
    It is configured by environment variables alone; "help configuration" lists them.
    Health and metrics over HTTP on PORT: /livez, /readyz, /metrics.

persistent-cache-service help [configuration]
persistent-cache-service --version`;

const [command = "serve", ...rest] = process.argv.slice(2);
obeySignals(command === "serve");

switch (rest.length > (command === "help" ? 1 : 0) ? "too many" : command) {
  case "serve":
    await import("./persistent-cache/persistent-cache-main.js").then(
      ({ runPersistentCache }) => runPersistentCache(),
      (error: unknown) => refuseToStart("persistent-cache-service", error),
    );
    break;
  case "help":
  case "--help":
  case "-h":
    tell(rest[0] === "configuration" ? await configuration() : HELP);
    break;
  case "--version":
  case "-v":
    tell((await import("./package-version.js")).packageVersion());
    break;
  default:
    process.stderr.write(
      `error: not understood: ${[command, ...rest].join(" ")}\n"persistent-cache-service help" shows what there is.\n`,
    );
    process.exitCode = 2;
}

async function configuration(): Promise<string> {
  const [{ settingsTable }, { PERSISTENT_CACHE_SETTINGS }] = await Promise.all([
    import("./config/settings/setting.js"),
    import("./persistent-cache/settings.js"),
  ]);
  return settingsTable(PERSISTENT_CACHE_SETTINGS);
}

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}
