/** `npm run model -- [--cases N] [--seed S] [--kind NAME]…`: compares the product with the model, and prints where they differ. */
import { fileURLToPath } from "node:url";
import { runBundled } from "./run-bundled.js";

process.exitCode = await runBundled(fileURLToPath(new URL("main.ts", import.meta.url)), process.argv.slice(2));
