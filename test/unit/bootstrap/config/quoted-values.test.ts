import { describe, expect, it } from "@jest/globals";
import { loadConfig } from "../../../../src/bootstrap/config/load-config.js";
import { readSettings } from "../../../../src/bootstrap/config/read-settings.js";
import { PERSISTENT_CACHE } from "../../../../src/bootstrap/persistent-cache/settings.js";

const GIVEN = { SERVER_API_KEY: "key", REDIS_ENVIRONMENT_PREFIX: "production" };
const PART_OF_IT = /the quotes are part of the value/;

describe("a value in quotes", () => {
  it.each([
    ["REDIS_ENVIRONMENT_PREFIX", '"production"'],
    ["REDIS_ENVIRONMENT_PREFIX", "'production'"],
    ["REDIS_HOST", ' "redis" '],
    ["REDIS_PASSWORD", '"hunter2"'],
    ["REDIS_USERNAME", '""'],
  ])("%s=%s is taken as it is, with one warning that names the variable and not the value", (name, text) => {
    const { warnings } = loadConfig({ ...GIVEN, [name]: text });
    expect(warnings).toEqual([expect.stringMatching(PART_OF_IT)]);
    expect(warnings[0]).toMatch(new RegExp(`^${name} is a value in quotes`));
    expect(warnings[0]).not.toMatch(/hunter2|production/);
  });

  it("of several variables draws one warning that names them all", () => {
    const { config, warnings } = loadConfig({ ...GIVEN, REDIS_HOST: '"redis"', REDIS_USERNAME: '"me"' });
    expect(config).toMatchObject({ redisHost: '"redis"', redisUsername: '"me"' });
    expect(warnings).toEqual([expect.stringMatching(/^REDIS_HOST, REDIS_USERNAME are values in quotes/)]);
  });

  it("is told beside the fault that it makes", () => {
    expect(() => loadConfig({ ...GIVEN, OFFLINE: '"true"' })).toThrow(
      /^There is 1 fault[^]*OFFLINE is a value in quotes/,
    );
  });

  it("is told by the persistent-cache service, under the name that is given", () => {
    const { warnings } = readSettings(PERSISTENT_CACHE, {
      SERVER_API_KEY: "key",
      AWS_REGION: "eu-west-1",
      QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/changes",
      REDIS_ENVIRONMENT_PREFIX: '"production"',
    });
    expect(warnings).toEqual([expect.stringMatching(/^REDIS_ENVIRONMENT_PREFIX is a value in quotes/)]);
  });

  it.each([
    ["ENTITLEMENTS_FALLBACK", '{"seats":{"hasAccess":true}}'],
    ["REDIS_USERNAME", 'a"b"'],
    ["REDIS_USERNAME", '"'],
    ["NOT_OURS", '"x"'],
  ])("is not what %s=%s is", (name, text) => {
    expect(loadConfig({ ...GIVEN, [name]: text }).warnings).toEqual([]);
  });
});
