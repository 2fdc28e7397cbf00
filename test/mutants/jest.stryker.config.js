import { fileURLToPath } from "node:url";
import config from "../../jest.config.js";

/** The unit tests of the domain alone, as one project: the mutation tool knows no projects, and finds no environment by `<rootDir>`. */
export default {
  ...config.projects[0],
  testTimeout: config.testTimeout,
  testMatch: ["<rootDir>/test/unit/domain/**/*.test.ts"],
  testEnvironment: fileURLToPath(new URL("../support/node-environment.js", import.meta.url)),
};
