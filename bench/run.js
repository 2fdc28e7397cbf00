/** `npm run bench [-- name… --smoke --node <binary>]`: measures the service beside its peers and prints one table. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("main.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
process.exitCode = await module.main(process.argv.slice(2));
