/** `npm run figures:snapshot`: how long it takes to write, and to read, the states of a million customers, and how long others wait. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-snapshot.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
await module.printSnapshot(Number(process.argv[2] ?? 1_000_000));
