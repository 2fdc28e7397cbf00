/** `npm run attack [-- name… --smoke --shared --seconds <n> --node <binary> --write]`: abuses the service and a bare server of Node's, and prints one table. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("main.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
process.exitCode = await module.main(process.argv.slice(2));
