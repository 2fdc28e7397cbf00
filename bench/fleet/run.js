/** `npm run fleet [-- --sidecars 1000 --customers 10000000 …]`: what a fleet does to upstream and Redis, and answers, when one of them is lost. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-fleet.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
await module.printFleet(process.argv.slice(2));
