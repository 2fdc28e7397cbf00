// What `fast-check` is to a test (by jest.config.js): the library, drawing from the seed of the run.
import fc from "../../node_modules/fast-check/lib/fast-check.js";
import { TEST_SEED } from "./seed.js";

fc.configureGlobal({ seed: TEST_SEED });

export * from "../../node_modules/fast-check/lib/fast-check.js";
export default fc;
