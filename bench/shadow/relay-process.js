/** Answers from another service as shadow does, and asks nobody else: `node relay-process.js <url>`; prints its port. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("relay-process.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
process.stdout.write(`port ${await module.startRelay(process.argv[2])}\n`);
