/** `npm run faults [-- row…]`: prints how the published client and the sidecar answer under each fault. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-table.ts", import.meta.url)), { configFile: false, logLevel: "warn" });
await module.printTable(process.argv.slice(2));
