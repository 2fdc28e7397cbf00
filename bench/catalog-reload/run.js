/** `npm run figures:catalog [-- customers …]`: prints what an edit of a catalog file costs checks, and how soon it is seen. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-figures.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
await module.printFigures(process.argv.slice(2).map(Number));
