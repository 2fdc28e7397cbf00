/** What every project of tests shares: TypeScript as ES modules, compiled by swc a file at a time. */
const shared = {
  rootDir: import.meta.dirname,
  roots: ["<rootDir>/test"],
  modulePathIgnorePatterns: ["<rootDir>/dist/", "<rootDir>/test/interop/[^/]*/"],
  testEnvironment: "<rootDir>/test/support/node-environment.js",
  resolver: "<rootDir>/test/support/resolver.cjs",
  moduleNameMapper: { "^fast-check$": "<rootDir>/test/support/seeded-fast-check.ts" },
  globalSetup: "<rootDir>/build/before-tests.js",
  moduleFileExtensions: ["ts", "js", "mjs", "cjs", "json", "node"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "\\.ts$": [
      "@swc/jest",
      {
        jsc: { target: "es2023", parser: { syntax: "typescript" }, transform: { verbatimModuleSyntax: true } },
        module: { type: "es6" },
        sourceMaps: "inline",
      },
    ],
  },
};

const project = (displayName, folders) => ({
  ...shared,
  displayName,
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
});

/** Which run one after another, each with its own timeout, is reported in test/run.js. */
export default {
  testTimeout: 60_000,
  workerIdleMemoryLimit: "1GB",
  collectCoverageFrom: ["<rootDir>/src/{domain,application}/**/*.ts"],
  coverageProvider: "v8",
  // What the unit tests reach by themselves; the goal is 100, and it is only ever raised.
  coverageThreshold: { global: { lines: 98.5, branches: 98 } },
  projects: [
    project("unit", ["unit", "simulation"]),
    project("contract", ["contract"]),
    project("service", ["integration", "conformance", "faults"]),
    project("interop", ["interop", "deployment"]),
  ],
};
