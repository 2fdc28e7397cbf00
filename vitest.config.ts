import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: "unit", include: ["test/{unit,contract}/**/*.test.ts"] } },
      {
        extends: true,
        test: { name: "service", include: ["test/{integration,conformance,faults}/**/*.test.ts"], maxWorkers: 2 },
      },
      {
        extends: true,
        test: { name: "interop", include: ["test/interop/**/*.test.ts"], testTimeout: 600_000, hookTimeout: 900_000 },
      },
    ],
  },
});
