import { defineConfig } from "vitest/config";

const jsonReport = process.env.VITEST_JSON;

export default defineConfig({
  test: {
    reporters: jsonReport === undefined ? ["default"] : ["default", ["json", { outputFile: jsonReport }]],
    globalSetup: "build/catalog-worker.js",
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/{unit,contract,simulation}/**/*.test.ts"], sequence: { groupOrder: 0 } } },
      {
        extends: true,
        test: { name: "service", include: ["test/{integration,conformance,faults}/**/*.test.ts"], maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
      {
        extends: true,
        test: { name: "interop", include: ["test/interop/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 900_000, sequence: { groupOrder: 2 } },
      },
    ],
  },
});
