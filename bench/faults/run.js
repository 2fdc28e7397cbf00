/** `npm run faults [-- row…]`: prints how the published client and the sidecar answer under each fault. */
import { fileURLToPath } from "node:url";
import { createRunnableDevEnvironment, resolveConfig } from "vite";

// Vite's own runnerImport has closed its runner by the time that a sidecar imports what only Redis mode needs.
const consumer = {
  consumer: "server",
  dev: { moduleRunnerTransform: true },
  resolve: { external: true, mainFields: [], conditions: ["node"] },
};
const config = await resolveConfig(
  { configFile: false, envDir: false, logLevel: "warn", environments: { bench: consumer } },
  "serve",
);
const environment = createRunnableDevEnvironment("bench", config, { hot: false, runnerOptions: { hmr: false } });
await environment.init();
try {
  const { printTable } = await environment.runner.import(fileURLToPath(new URL("print-table.ts", import.meta.url)));
  await printTable(process.argv.slice(2));
} finally {
  await environment.close();
}
