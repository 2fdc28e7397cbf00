/** `npm run figures:redis`: prints how soon a write to Redis is known elsewhere. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-figures.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
await module.printFigures();
