import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../../src/bootstrap/config/read-settings.js";
import { settingsTable } from "../../../src/bootstrap/config/settings-table.js";
import { PERSISTENT_CACHE_RULES, PERSISTENT_CACHE_SETTINGS } from "../../../src/bootstrap/persistent-cache/settings.js";

const REQUIRED = { AWS_REGION: "eu-west-1", QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/123456789012/changes", SERVER_API_KEY: "key" };

const read = (environment: Readonly<Record<string, string>>) =>
  readSettings({ settings: PERSISTENT_CACHE_SETTINGS, rules: PERSISTENT_CACHE_RULES }, environment);

describe("the persistent-cache service's configuration", () => {
  it("is in its page as it is", () => {
    const shown = /<!-- configuration -->([^]*)<!-- \/configuration -->/.exec(readFileSync("docs/persistent-cache.md", "utf8"))?.[1];
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
