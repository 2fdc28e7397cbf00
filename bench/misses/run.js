/** `npm run figures:misses`: what a check costs whose state is not cached, in processor time, so that a busy machine matters little. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-misses.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
await module.printMisses(process.argv[2]);
process.exit(0);
