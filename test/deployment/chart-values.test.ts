import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { Ajv } from "ajv";
import { parse } from "yaml";
import { CHART } from "./kubernetes-tools.js";

type Values = Record<string, unknown>;

const read = (...path: string[]) => readFileSync(join(CHART, ...path), "utf8");
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(
  JSON.parse(read("values.schema.json")) as object,
);

/** As helm does it: what is given over what the chart has, and null takes away. */
function merged(defaults: Values, given: Values): Values {
  const values = new Map(Object.entries(defaults));
  for (const [name, value] of Object.entries(given)) {
    const own = values.get(name);
    if (value === null) values.delete(name);
    else values.set(name, isMap(own) && isMap(value) ? merged(own, value) : value);
  }
  return Object.fromEntries(values);
}

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What helm says of these values, each with the place. */
function faultsOf(given: Values): string[] {
  validate(merged(parse(read("values.yaml")) as Values, given));
  return (validate.errors ?? []).map(({ instancePath, message, params }) =>
    `${instancePath} ${message ?? ""} ${(params as { additionalProperty?: string }).additionalProperty ?? ""}`.trim(),
  );
}

describe("the values of the chart", () => {
  it.each(readdirSync(join(CHART, "ci")))("of %s are taken", (file) => {
    expect(faultsOf(parse(read("ci", file)) as Values)).toEqual([]);
  });

  it.each<[given: string, fault: string]>([
    ["{ sidecar: { replica: 3 } }", "/sidecar must NOT have additional properties replica"],
    ["{ sidecars: { replicas: 3 } }", "must NOT have additional properties sidecars"],
    ['{ sidecar: { replicas: "3" } }', "/sidecar/replicas must be integer"],
    ["{ sidecar: { ports: { http: 80 } } }", "/sidecar/ports must NOT have additional properties http"],
    [
      "{ sidecar: { extraEnv: [{ name: MAX_STATE_AGE_MS, value: 5000 }] } }",
      "/sidecar/extraEnv/0/value must be string",
    ],
    ["{ sidecar: { extraEnv: [{ name: A, val: b }] } }", "/sidecar/extraEnv/0 must NOT have additional properties val"],
    [
      "{ persistentCache: { redis: { hostname: r } } }",
      "/persistentCache/redis must NOT have additional properties hostname",
    ],
    ["{ persistentCache: { port: 0 } }", "/persistentCache/port must be >= 1"],
    ['{ networkPolicy: { enabled: "yes" } }', "/networkPolicy/enabled must be boolean"],
    ["{ image: { tag: v1 } }", "/image must NOT have additional properties tag"],
  ])("%s are refused, naming the place", (given, fault) => {
    expect(faultsOf(parse(given) as Values)).toEqual([fault]);
  });

  it("that a chart of charts hands on are taken", () => {
    expect(
      faultsOf({
        enabled: true,
        global: { imageRegistry: "registry.example" },
        sidecar: { affinity: { nodeAffinity: {} } },
      }),
    ).toEqual([]);
  });
});
