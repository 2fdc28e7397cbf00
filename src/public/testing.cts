import type * as esm from "./testing.js" with { "resolution-mode": "import" };

/**
 * What the ES module exports, for those who require() it. These are its types; the code is the ES module's, which the build
 * writes in its place as CommonJS in one file (build/programs.js): a test runner that loads by node:vm has no import().
 */
declare const testing: {
  startSidecar(options: esm.StartSidecarOptions): Promise<esm.RunningSidecar>;
};

declare namespace testing {
  export type CatalogInput = esm.CatalogInput;
  export type FallbackValues = esm.FallbackValues;
  export type RunningSidecar = esm.RunningSidecar;
  export type StartSidecarOptions = esm.StartSidecarOptions;
}

export = testing;
