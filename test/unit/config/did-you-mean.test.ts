import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { editDistance, misspeltNames } from "../../../src/bootstrap/config/did-you-mean.js";
import { SETTINGS } from "../../../src/bootstrap/config/settings.js";

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
  ])("%s draws the question whether %s was meant", (name, meant) => {
    expect(misspeltNames([name], KNOWN)).toEqual([`${name} is not a variable of this service: did you mean ${meant}?`]);
  });

  it.each(["REDIS_HOST", "REDIS_SERVICE_HOST", "REDIS_PORT_6379_TCP", "REDIS_ID", "HOME", "PATH", "LOG_LEVELS", "TLS_REJECT"])(
    "%s draws none",
    (name) => {
      expect(misspeltNames([name], KNOWN)).toEqual([]);
    },
  );
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
