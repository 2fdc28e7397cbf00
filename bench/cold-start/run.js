/** `npm run figures:cold-start [-- redis|memory [rates …]]`: what checks are answered by a sidecar that has just been started. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-cold-start.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
const [mode = "redis", ...rates] = process.argv.slice(2);
await module.printColdStart(mode, rates.map(Number));
process.exit(0);
