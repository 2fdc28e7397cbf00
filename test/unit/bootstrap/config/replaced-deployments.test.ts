import { describe, expect, it } from "@jest/globals";
import { readSettings } from "../../../../src/bootstrap/config/read-settings.js";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";
import { PERSISTENT_CACHE } from "../../../../src/bootstrap/persistent-cache/settings.js";
import { CERTIFICATE } from "./certificate.js";

/** What the chart of the program that this one stands in for gives to both of its processes. */
const OF_BOTH = {
  SERVER_API_KEY: "server-key",
  REDIS_ENVIRONMENT_PREFIX: "production",
  REDIS_HOST: "redis.internal",
  REDIS_PORT: "6379",
  REDIS_DB: "0",
  REDIS_USERNAME: "",
  REDIS_PASSWORD: "",
  REDIS_TLS: "false",
};
const OF_THE_SECOND = {
  ...OF_BOTH,
  AWS_REGION: "eu-west-1",
  QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/changes",
};

const sidecar = (environment: Readonly<Record<string, string>>) => loadConfig(environment);
const persistentCache = (environment: Readonly<Record<string, string>>) => readSettings(PERSISTENT_CACHE, environment);

describe("a deployment that changes its image alone", () => {
  it("has its sidecar as it was", () => {
    const { config, warnings } = sidecar(OF_BOTH);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      grpcPort: 80,
      redisEnvironmentPrefix: "production",
      redisHost: "redis.internal",
      redisUsername: undefined,
      redisTls: false,
    });
  });

  it("has its second process as it was, under the same prefix", () => {
    const { config, warnings } = persistentCache(OF_THE_SECOND);
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      environmentPrefix: "production",
      redisHost: "redis.internal",
      awsRegion: "eu-west-1",
    });
  });

  it("may give authorities as a value, in one line", () => {
    const given = { REDIS_TLS: "true", REDIS_TLS_CA: CERTIFICATE.replaceAll("\n", "\\n") };
    expect(sidecar({ ...OF_BOTH, ...given }).config.redisTlsCa).toBe(CERTIFICATE);
    expect(persistentCache({ ...OF_THE_SECOND, ...given }).config.redisTlsCa).toBe(CERTIFICATE);
  });

  it.each([
    ["sidecar", () => sidecar({ ...OF_BOTH, CACHE_LOCK_RETRY_COUNT: "10" }), "CACHE_LOCK_RETRY_COUNT has no effect"],
    [
      "second process",
      () => persistentCache({ ...OF_THE_SECOND, CACHE_LOCK_RETRY_COUNT: "10" }),
      "CACHE_LOCK_RETRY_COUNT has no effect",
    ],
    [
      "sidecar that is given the other's queue",
      () => sidecar({ ...OF_BOTH, QUEUE_URL: OF_THE_SECOND.QUEUE_URL }),
      "QUEUE_URL has no effect",
    ],
  ])("is told by its %s what has no effect", (_, load, warning) => {
    expect(load().warnings).toEqual([expect.stringContaining(warning)]);
  });
});
