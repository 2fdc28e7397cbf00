import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  FOREIGN_TO_THE_PERSISTENT_CACHE,
  FOREIGN_TO_THE_SIDECAR,
  foreignNames,
  misspeltNames,
} from "../../../../src/bootstrap/config/environment-warnings.js";
import { readSettings } from "../../../../src/bootstrap/config/read-settings.js";
import { SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";
import { PERSISTENT_CACHE } from "../../../../src/bootstrap/persistent-cache/settings.js";
import { editDistance } from "../../../../src/domain/decision/nearest-ids.js";
import { because } from "../../../support/expectations.js";

const KNOWN = Object.values(SETTINGS).map(({ name }) => name);

describe("a name in the environment", () => {
  it.each([
    ["REDIS_HOTS", "REDIS_HOST"],
    ["REDIS_USER_NAME", "REDIS_USERNAME"],
    ["REDIS_KEYS_TTL_IN_SEC", "REDIS_KEYS_TTL_IN_SECS"],
    ["EDGE_ENABLE", "EDGE_ENABLED"],
    ["WS_URI", "WS_URL"],
    ["CATALOG_FILES", "CATALOG_FILE"],
    ["TLS_CERTFILE", "TLS_CERT_FILE"],
    ["redis_host", "REDIS_HOST"],
    ["LOGLEVEL", "LOG_LEVEL"],
    ["LogLevel", "LOG_LEVEL"],
    ["LOG_LEVELS", "LOG_LEVEL"],
    ["log-level", "LOG_LEVEL"],
    ["GRPCPORT", "GRPC_PORT"],
    ["GRPC_PROT", "GRPC_PORT"],
    ["GRPC_PORTS", "GRPC_PORT"],
    ["GRP_PORT", "GRPC_PORT"],
    ["METRICSPORT", "METRICS_PORT"],
    ["SERVER_APIKEY", "SERVER_API_KEY"],
    ["LISTENHOST", "LISTEN_HOST"],
    ["ENTITLEMENT_FALLBACK", "ENTITLEMENTS_FALLBACK"],
    ["ENTITLEMENS_TIMEOUT_MS", "ENTITLEMENTS_TIMEOUT_MS"],
    ["USEAGE_OUTBOX_DIR", "USAGE_OUTBOX_DIR"],
    ["DECISON_LOG", "DECISION_LOG"],
  ])("%s draws the question whether %s was meant", (name, meant) => {
    expect(misspeltNames([name], KNOWN)).toEqual([`${name} is not a variable of this service: did you mean ${meant}?`]);
  });

  it.each([
    "REDIS_HOST",
    "REDIS_SERVICE_HOST",
    "REDIS_PORT_6379_TCP",
    "REDIS_ID",
    "HOME",
    "PATH",
    "TLS_REJECT",
    "GRPC_PORT_80_TCP",
    "GRPC_SERVICE_PORT",
    "METRICS_HOST",
    "LOG_FORMAT",
    "APP_URL",
    "API_KEY",
    "PROT",
    "HOST",
    "AWS_REGIONS",
    "MAX_MESSAGES",
    "USAGE_OUTBOX",
  ])("%s draws none", (name) => {
    expect(misspeltNames([name], KNOWN)).toEqual([]);
  });
});

describe("every known name", () => {
  it("is recognized without its underscores, in any case, and with two letters swapped", () => {
    for (const name of KNOWN.filter((known) => known.includes("_"))) {
      const rest = name.indexOf("_") + 1;
      const swaps = Array.from({ length: name.length - rest - 1 })
        .map(
          (_, index) =>
            `${name.slice(0, rest + index)}${name[rest + index + 1]}${name[rest + index]}${name.slice(rest + index + 2)}`,
        )
        .filter(
          (swapped) =>
            swapped !== name && !swapped.includes("__") && name.length - rest > 3 && !name.startsWith("MAX_"),
        );
      for (const miss of [name.replaceAll("_", ""), name.toLowerCase(), ...swaps]) {
        because(miss, () =>
          expect(misspeltNames([miss], KNOWN)).toEqual([
            `${miss} is not a variable of this service: did you mean ${name}?`,
          ]),
        );
      }
    }
  });

  it("is not asked about where the right one is given beside it", () => {
    expect(misspeltNames(["LOGLEVEL", "LOG_LEVEL"], KNOWN)).toEqual([]);
  });
});

describe("the edit distance", () => {
  const word = fc.string({ maxLength: 12 });

  it("is that of a metric", () => {
    fc.assert(
      fc.property(word, word, word, (a, b, c) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a));
        expect(editDistance(a, b) === 0).toBe(a === b);
        expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
      }),
    );
  });

  it("counts one for one character more", () => {
    fc.assert(
      fc.property(word, word, (before, after) => {
        expect(editDistance(before + after, `${before}x${after}`)).toBe(1);
      }),
    );
  });
});

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
