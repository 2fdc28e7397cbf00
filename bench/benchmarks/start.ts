import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import type { CatalogInput } from "../../src/adapters/catalog/file/catalog-input.js";
import type { Benchmark } from "../benchmark.js";
import type { Lab } from "../lab.js";
import { Child, REPO } from "../processes/child.js";
import { residentBytesOf } from "../processes/process-usage.js";
import { median } from "../rounds.js";
import { customerIdOf, FEATURE_COUNT, featureIdOf, kindOf, limitOf, PLAN_COUNT, planOf } from "../world/customers.js";

const CUSTOMERS = 1_000;
const READY_EVERY_MS = 2;
const ENUM_VALUES = ["eu", "us", "ap"];
/** For the collections that follow a start. */
const UNTIL_IDLE_MS = 2_000;

/** From the start of the process until it is ready to answer, with a catalog in a file; and its memory then. */
export const START: Benchmark = {
  name: "start",
  title: `Start with a catalog of ${CUSTOMERS} customers`,
  async measure(lab) {
    const folder = await mkdtemp(join(tmpdir(), "bench-"));
    try {
      const file = join(folder, "catalog.json");
      await writeFile(file, JSON.stringify(catalog()));
      const starts: Started[] = [];
      for (let round = 0; round < lab.pace.rounds; round++) starts.push(await start(lab, file));
      return [
        { what: "to ready", value: median(starts.map(({ readyMs }) => readyMs)), unit: "ms", target: { atMost: 500 } },
        {
          what: "memory resident when idle",
          value: median(starts.map(({ residentMb }) => residentMb)),
          unit: "MB",
          target: { atMost: 90 },
        },
      ];
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

interface Started {
  readonly readyMs: number;
  readonly residentMb: number;
}

async function start(lab: Lab, catalogFile: string): Promise<Started> {
  const begun = performance.now();
  const env = {
    CATALOG_FILE: catalogFile,
    LISTEN_HOST: "127.0.0.1",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_LINGER_MS: "0",
    START_MESSAGE: "json",
  };
  const child = new Child([lab.node, resolve(REPO, "dist/bootstrap/cli.js"), "serve"], { core: "server", env });
  try {
    const [line = ""] = await child.printed(/^\{.*"grpcPort".*\}$/m);
    const { metricsPort } = JSON.parse(line) as { readonly metricsPort: number };
    while ((await fetch(`http://127.0.0.1:${metricsPort}/readyz`)).status !== 200) await elapse(READY_EVERY_MS);
    const readyMs = performance.now() - begun;
    await elapse(lab.pace.isSmoke ? 0 : UNTIL_IDLE_MS);
    return { readyMs, residentMb: residentBytesOf(child.pid) / 2 ** 20 };
  } finally {
    await child.stop();
  }
}

function catalog(): CatalogInput {
  const features = Array.from({ length: FEATURE_COUNT }, (_, feature) => feature);
  return {
    features: features.map(featureOf),
    plans: Array.from({ length: PLAN_COUNT }, (_, plan) => ({
      id: `plan-${plan}`,
      entitlements: Object.fromEntries(features.map((feature) => [featureIdOf(feature), grantOf(plan, feature)])),
    })),
    customers: Array.from({ length: CUSTOMERS }, (_, customer) => ({
      id: customerIdOf(customer),
      plan: `plan-${planOf(customer)}`,
    })),
  };
}

function featureOf(feature: number): CatalogInput["features"][number] {
  const kind = kindOf(feature);
  const id = featureIdOf(feature);
  if (kind === "metered") return { id, kind, meterType: "Fluctuating", units: "unit", unitsPlural: "units" };
  return kind === "enum" ? { id, kind, values: ENUM_VALUES } : { id, kind };
}

function grantOf(plan: number, feature: number): boolean | number | readonly string[] {
  const kind = kindOf(feature);
  if (kind === "boolean") return true;
  return kind === "enum" ? ENUM_VALUES : limitOf(plan, feature);
}
