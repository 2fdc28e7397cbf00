/** One of the bench's own processes: runs a function that a TypeScript module exports. */
import { runnerImport } from "vite";

const [file, exported, ...args] = process.argv.slice(2);
const { module } = await runnerImport(file, { configFile: false, logLevel: "warn" });
module[exported](...args);
