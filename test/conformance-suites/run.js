/** `npm run conformance [-- --node <binary>]…`: h2spec and the Connect conformance suite, by default on this Node and on Node 24. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("main.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
process.exitCode = await module.checkConformance(process.argv.slice(2));
