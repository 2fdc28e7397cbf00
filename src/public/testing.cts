import type * as esm from "./testing.js" with { "resolution-mode": "import" };

/**
 * What the ES module exports, for those who require() it. These are its types; the code is the ES module's, which the build
 * writes in its place as CommonJS in one file (build/programs.js): a test runner that loads by node:vm has no import().
 */
declare const testing: {
  readonly startSidecar: typeof esm.startSidecar;
  readonly customer: typeof esm.customer;
  readonly feature: typeof esm.feature;
  readonly metered: typeof esm.metered;
  readonly plan: typeof esm.plan;
  readonly resource: typeof esm.resource;
};

declare namespace testing {
  export type CatalogInput = esm.CatalogInput;
  export type CatalogOfTest = esm.CatalogOfTest;
  export type FallbackValues = esm.FallbackValues;
  export type RecordedReport = esm.RecordedReport;
  export type RunningSidecar = esm.RunningSidecar;
  export type StartSidecarOptions = esm.StartSidecarOptions;
  export type TestClock = esm.TestClock;
  export type TimeInput = esm.TimeInput;
}

export = testing;
