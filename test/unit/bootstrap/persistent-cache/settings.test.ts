import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { readSettings } from "../../../../src/bootstrap/config/read-settings.js";
import { settingsTable } from "../../../../src/bootstrap/config/settings/setting.js";
import { PERSISTENT_CACHE, PERSISTENT_CACHE_SETTINGS } from "../../../../src/bootstrap/persistent-cache/settings.js";

const REQUIRED = {
  AWS_REGION: "eu-west-1",
  QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/changes",
  SERVER_API_KEY: "key",
};

const read = (environment: Readonly<Record<string, string>>) => readSettings(PERSISTENT_CACHE, environment);

describe("the persistent-cache service's configuration", () => {
  it("is in its page as it is", () => {
    const shown = /<!-- configuration -->([^]*)<!-- \/configuration -->/.exec(
      readFileSync("docs/persistent-cache.md", "utf8"),
    )?.[1];
    expect(shown?.trim()).toBe(settingsTable(PERSISTENT_CACHE_SETTINGS).trim());
  });

  it("has these defaults", () => {
    expect(read(REQUIRED).config).toMatchObject({
      environmentPrefix: "production",
      redisPort: 6_379,
      redisDb: 0,
      redisTls: false,
      batchSize: 1,
      keysTtlSecs: 604_800,
      edgeApiUrl: "https://edge.api.stigg.io",
      sentryDsn: undefined,
      disableSentry: false,
      port: 4_000,
      updatePolicy: "UPDATE_IF_EXISTS",
      logLevel: "info",
      logMessageKey: "msg",
      logErrorKey: "err",
    });
  });

  it.each(Object.keys(REQUIRED))("does not do without %s", (name) => {
    expect(() => read({ ...REQUIRED, [name]: "" })).toThrow(`${name} is not set: it is required`);
  });

  it.each([
    ["BATCH_SIZE", "1", { batchSize: 1 }],
    ["BATCH_SIZE", "10", { batchSize: 10 }],
    ["KEYS_TTL_IN_SECS", "-1", { keysTtlSecs: -1 }],
    ["CACHE_UPDATE_POLICY", "upsert", { updatePolicy: "UPSERT" }],
    ["DISABLE_SENTRY", "1", { disableSentry: true }],
    ["SENTRY_DSN", "https://key@o1.ingest.sentry.io/42", { sentryDsn: "https://key@o1.ingest.sentry.io/42" }],
    ["SENTRY_DSN", "http://key:secret@host:9000/a/path/42", { sentryDsn: "http://key:secret@host:9000/a/path/42" }],
  ])("takes %s=%s", (name, value, expected) => {
    expect(read({ ...REQUIRED, [name]: value }).config).toMatchObject(expected);
  });

  it.each([
    ["BATCH_SIZE", "0"],
    ["BATCH_SIZE", "11"],
    ["KEYS_TTL_IN_SECS", "0"],
    ["CACHE_UPDATE_POLICY", "NEVER"],
    ["QUEUE_URL", "changes"],
    ["SENTRY_DSN", "https://host/42"],
    ["SENTRY_DSN", "https://key@host"],
    ["REDIS_SENTINELS", "host:26379"],
    ["LOG_MESSAGE_KEY", "level"],
  ])("refuses %s=%s, and names it", (name, value) => {
    expect(() => read({ ...REQUIRED, [name]: value })).toThrow(name);
  });
});

describe("the name of the environment in Redis", () => {
  it.each([
    [{}, "production"],
    [{ REDIS_ENVIRONMENT_PREFIX: "staging" }, "staging"],
    [{ ENVIRONMENT_PREFIX: "staging" }, "staging"],
    [{ ENVIRONMENT_PREFIX: "staging", REDIS_ENVIRONMENT_PREFIX: " staging " }, "staging"],
    [{ ENVIRONMENT_PREFIX: "", REDIS_ENVIRONMENT_PREFIX: "staging" }, "staging"],
    [{ ENVIRONMENT_PREFIX: "staging", REDIS_ENVIRONMENT_PREFIX: " " }, "staging"],
  ])("is read by either name: %j", (given, environmentPrefix) => {
    const { config, warnings } = read({ ...REQUIRED, ...given });
    expect(config).toMatchObject({ environmentPrefix });
    expect(warnings).toEqual([]);
  });

  it("is refused where the two differ, with all other faults", () => {
    const environment = {
      ...REQUIRED,
      ENVIRONMENT_PREFIX: "staging",
      REDIS_ENVIRONMENT_PREFIX: "other",
      BATCH_SIZE: "0",
    };
    expect(() => read(environment)).toThrow(
      /There are 2 faults[^]*ENVIRONMENT_PREFIX and REDIS_ENVIRONMENT_PREFIX are "staging" and "other"[^]*BATCH_SIZE/,
    );
  });
});

describe("what the persistent-cache service does not use", () => {
  it.each([
    [
      { SENTRY_DSN: "https://host/42", DISABLE_SENTRY: "1" },
      ["SENTRY_DSN has no effect: DISABLE_SENTRY is on. Else it would be a fault"],
    ],
    [{ SENTRY_DSN: "https://key@host/42", DISABLE_SENTRY: "1" }, []],
    [
      { REDIS_PORT: "tcp://10.0.0.1:6379", REDIS_CLUSTER_NODES: "a" },
      ["REDIS_PORT has no effect: REDIS_CLUSTER_NODES says where Redis is"],
    ],
    [{ CACHE_LOCK_RETRY_COUNT: "5" }, ["CACHE_LOCK_RETRY_COUNT has no effect"]],
    [
      { REDIS_KEYS_TTL_IN_SECS: "60" },
      ["REDIS_KEYS_TTL_IN_SECS has no effect: the persistent-cache service reads KEYS_TTL_IN_SECS"],
    ],
    [{ REDIS_KEYS_TTL_IN_SECS: "60", KEYS_TTL_IN_SECS: "60" }, []],
    [{ BATCHSIZE: "2" }, ["BATCHSIZE is not a variable of this service: did you mean BATCH_SIZE?"]],
    [{ REDIS_USERNAME: "", REDIS_PASSWORD: "" }, []],
  ])("stops no start, and is named once: %j", (given, expected) => {
    const { warnings } = read({ ...REQUIRED, ...given });
    expect(warnings).toEqual(expected.map((text) => expect.stringContaining(text) as unknown));
  });

  it("is a fault as soon as it is used", () => {
    expect(() =>
      read({ ...REQUIRED, SENTRY_DSN: "https://host/42", DISABLE_SENTRY: "0", REDIS_PORT: "tcp://10.0.0.1:6379" }),
    ).toThrow(/There are 2 faults[^]*REDIS_PORT[^]*enableServiceLinks[^]*SENTRY_DSN/);
  });
});
