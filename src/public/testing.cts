import type * as esm from "./testing.js" with { "resolution-mode": "import" };

/** What the ES module exports, for those who require() it: the sidecar itself is an ES module. */
const testing = {
  async startSidecar(options: esm.StartSidecarOptions): Promise<esm.RunningSidecar> {
    const { startSidecar } = await import("./testing.js");
    return startSidecar(options);
  },
};

declare namespace testing {
  export type CatalogInput = esm.CatalogInput;
  export type FallbackValues = esm.FallbackValues;
  export type RunningSidecar = esm.RunningSidecar;
  export type StartSidecarOptions = esm.StartSidecarOptions;
}

export = testing;
