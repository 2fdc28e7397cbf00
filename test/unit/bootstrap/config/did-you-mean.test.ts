import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { misspeltNames } from "../../../../src/bootstrap/config/rules/did-you-mean.js";
import { SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";
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
