/** `npm run figures:files`: the source files that one check passes, cached and read from Redis. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-files-passed.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
await module.printFilesPassed();
process.exit(0);
