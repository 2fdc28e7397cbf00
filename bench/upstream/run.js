/** `npm run figures:upstream`: prints how soon a change is seen, and what a cut of the update stream costs checks. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-figures.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
await module.printFigures();
