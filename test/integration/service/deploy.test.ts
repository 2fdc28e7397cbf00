import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { parse, parseAllDocuments } from "yaml";
import { CONSUMPTION_METRICS } from "../../../src/adapters/ops/metrics/consumption-metrics.js";
import { SIDECAR_METRICS } from "../../../src/adapters/ops/metrics/sidecar-metrics.js";
import { SETTINGS } from "../../../src/bootstrap/config/settings/settings.js";
import { PERSISTENT_CACHE_SETTINGS } from "../../../src/bootstrap/persistent-cache/settings.js";
import { because } from "../../support/expectations.js";

const REPO = resolve(import.meta.dirname, "../../..");
const DEPLOY = join(REPO, "deploy");
const text = (path: string) => readFileSync(join(DEPLOY, path), "utf8");

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

const METRICS: ReadonlySet<string> = new Set([...SIDECAR_METRICS, ...CONSUMPTION_METRICS].map(({ name }) => name));
const VARIABLES = new Set(
  [...Object.values(SETTINGS), ...Object.values(PERSISTENT_CACHE_SETTINGS)].flatMap(({ name, otherNames }) => [
    name,
    ...otherNames,
  ]),
);

describe("alerts and dashboard", () => {
  it("ask for metrics that there are", () => {
    const asked = [text("prometheus/alerts.yml"), text("grafana/dashboard.json")].flatMap(
      (page) => page.match(/\b(?:sidecar|persistent_cache)_[a-z_]+/g) ?? [],
    );
    const known = (name: string) => METRICS.has(name) || METRICS.has(name.replace(/_(?:bucket|sum|count)$/, ""));
    expect(asked.length).toBeGreaterThan(30);
    expect([...new Set(asked)].filter((name) => !known(name))).toEqual([]);
  });

  it("are the same in the chart", () => {
    expect(text("helm/entitlement-sidecar/files/alerts.yml")).toBe(text("prometheus/alerts.yml"));
  });

  const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
  (hasPromtool ? it : it.skip)("do what their tests say", () => {
    const check = (...args: string[]) =>
      spawnSync("promtool", args, { cwd: join(DEPLOY, "prometheus"), encoding: "utf8" });
    expect(check("check", "rules", "alerts.yml")).toMatchObject({ status: 0 });
    expect(check("test", "rules", "alerts.test.yml")).toMatchObject({ status: 0 });
  });
});

interface Container {
  readonly env?: readonly { readonly name: string }[];
  readonly readinessProbe: { readonly httpGet: { readonly port: string } };
  readonly ports: readonly { readonly name: string }[];
}

describe("kustomize", () => {
  const manifests = filesBelow(join(DEPLOY, "kustomize")).map((path) => ({
    path,
    documents: parseAllDocuments(readFileSync(path, "utf8")),
  }));

  it("names files that there are", () => {
    for (const { path, documents } of manifests.filter(({ path }) => path.endsWith("kustomization.yaml"))) {
      const { resources = [], patches = [] } = documents[0]?.toJS() as {
        resources?: string[];
        patches?: { path: string }[];
      };
      for (const file of [...resources, ...patches.map((patch) => patch.path)])
        because(file, () => expect(existsSync(join(dirname(path), file))).toBe(true));
    }
  });

  it("sets variables that there are, and asks for health where it is", () => {
    const pods = manifests.flatMap(({ documents }) =>
      documents.map(
        (document) =>
          document.toJS() as {
            spec?: { template?: { spec: { containers?: Container[]; initContainers?: Container[] } } };
          },
      ),
    );
    const containers = pods.flatMap(({ spec }) => [
      ...(spec?.template?.spec.containers ?? []),
      ...(spec?.template?.spec.initContainers ?? []),
    ]);
    expect(containers).toHaveLength(3);
    for (const { env = [], readinessProbe, ports } of containers) {
      expect(env.map(({ name }) => name).filter((name) => !VARIABLES.has(name))).toEqual([]);
      expect(ports.map(({ name }) => name)).toContain(readinessProbe.httpGet.port);
    }
  });
});

describe("compose", () => {
  const { services, volumes } = parse(text("compose/compose.yaml")) as {
    services: Record<string, { environment?: Record<string, string>; volumes?: string[] }>;
    volumes: Record<string, unknown>;
  };

  it("sets variables that there are", () => {
    const names = ["sidecar", "vendor-sidecar"].flatMap((name) => Object.keys(services[name]?.environment ?? {}));
    expect(names.length).toBeGreaterThan(4);
    expect(names.filter((name) => !VARIABLES.has(name))).toEqual([]);
  });

  it("mounts what there is", () => {
    const sources = Object.values(services).flatMap(({ volumes: mounted = [] }) =>
      mounted.map((mount) => mount.split(":")[0] ?? ""),
    );
    for (const source of sources)
      because(source, () =>
        expect(source.startsWith(".") ? existsSync(join(DEPLOY, "compose", source)) : source in volumes).toBe(true),
      );
  });
});
