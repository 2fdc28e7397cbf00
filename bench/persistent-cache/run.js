/** `npm run bench:persistent-cache [-- messages]`: measures the persistent-cache service, and what its queue server allows at all. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("measure.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
process.exitCode = await module.measure(process.argv.slice(2));
