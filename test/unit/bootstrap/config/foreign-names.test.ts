import { describe, expect, it } from "@jest/globals";
import {
  FOREIGN_TO_THE_PERSISTENT_CACHE,
  FOREIGN_TO_THE_SIDECAR,
  foreignNames,
} from "../../../../src/bootstrap/config/rules/did-you-mean.js";

const REDIS_URL = "redis://:hunter2@redis.internal:6379/1";

describe("a variable that other programs read", () => {
  it.each([
    ["sidecar", FOREIGN_TO_THE_SIDECAR, ["REDIS_ENVIRONMENT_PREFIX", "REDIS_HOST", "REDIS_PORT", "REDIS_TLS=1"]],
    ["persistent-cache service", FOREIGN_TO_THE_PERSISTENT_CACHE, ["REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"]],
  ])("REDIS_URL draws one warning of the %s, with what to set instead and without its value", (_, names, instead) => {
    const [warning, ...others] = foreignNames(names, { REDIS_URL });
    expect(others).toEqual([]);
    expect(warning).toMatch(/^REDIS_URL has no effect: /);
    for (const name of instead) expect(warning).toContain(name);
    expect(warning).not.toContain("hunter2");
  });

  it.each([
    ["is set to nothing", { REDIS_URL: " " }],
    ["stands beside REDIS_HOST", { REDIS_URL, REDIS_HOST: "redis.internal" }],
    ["stands beside REDIS_SENTINELS", { REDIS_URL, REDIS_SENTINELS: "sentinel" }],
    ["stands beside REDIS_CLUSTER_NODES", { REDIS_URL, REDIS_CLUSTER_NODES: "node" }],
  ])("REDIS_URL draws none where it %s", (_, environment) => {
    expect(foreignNames(FOREIGN_TO_THE_SIDECAR, environment)).toEqual([]);
    expect(foreignNames(FOREIGN_TO_THE_PERSISTENT_CACHE, environment)).toEqual([]);
  });
});
