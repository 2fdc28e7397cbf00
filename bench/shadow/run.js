/** `npm run figures:shadow [-- <checks> [<a second>]]`: whether shadow finds what differs, and what it costs those who wait for an answer. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const { module } = await runnerImport(fileURLToPath(new URL("print-shadow.ts", import.meta.url)), {
  configFile: false,
  logLevel: "warn",
});
const [checks = "40000", rate = "1000"] = process.argv.slice(2);
process.exit((await module.printShadow(Number(checks), Number(rate))) ? 0 : 1);
