import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { readSettings } from "../../src/bootstrap/config/read-settings.js";
import { loadConfig } from "../../src/bootstrap/config/sidecar-config.js";
import { PERSISTENT_CACHE } from "../../src/bootstrap/persistent-cache/settings.js";
import { tryCommand } from "../interop/run-command.js";
import { tell } from "../interop/toolchain.js";
import { CHART, findHelm, KUBERNETES, renderChart } from "./kubernetes-tools.js";

interface Container {
  readonly name: string;
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly ports?: readonly { readonly name: string }[];
  readonly volumeMounts?: readonly { readonly name: string }[];
  readonly restartPolicy?: string;
  readonly readinessProbe?: object;
  readonly securityContext?: { readonly readOnlyRootFilesystem: boolean; readonly runAsNonRoot: boolean };
}

interface Manifest {
  readonly kind: string;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly template?: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: {
        readonly containers: readonly Container[];
        readonly initContainers?: readonly Container[];
        readonly volumes: readonly { readonly name: string }[];
      };
    };
    readonly groups?: readonly { readonly rules: readonly object[] }[];
  };
}

const helm = await findHelm();
if (helm === "") tell("neither helm nor Go is installed here, so the chart is not rendered");

const setsOfValues = await readdir(join(CHART, "ci"));

async function render(values: string): Promise<Manifest[]> {
  const rendered = await renderChart(helm, values);
  return parseAllDocuments(rendered)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** What a container is given, as its process sees it. What comes from a Secret is some text. */
function environmentOf({ env = [] }: Container): Readonly<Record<string, string>> {
  return Object.fromEntries(env.map(({ name, value }) => [name, value ?? "from-a-secret"]));
}

(helm === "" ? describe.skip : describe)("the chart", () => {
  it.each(setsOfValues)("%s: lints, and renders what can run", async (values) => {
    expect(
      await tryCommand(helm, ["lint", CHART, ...KUBERNETES, "--strict", "--values", join(CHART, "ci", values)]),
    ).toMatchObject({ code: 0 });
    const manifests = await render(values);
    for (const { spec, kind } of manifests) {
      if (kind !== "Deployment" || spec.template === undefined) continue;
      const { containers, initContainers = [], volumes } = spec.template.spec;
      expect(spec.template.metadata.labels).toMatchObject(spec.selector?.matchLabels ?? {});
      const own = [...containers, ...initContainers].filter(
        ({ name }) => name === "entitlement-sidecar" || name === "persistent-cache-service",
      );
      expect(own).toHaveLength(1);
      for (const container of own) {
        const load = () =>
          container.name === "entitlement-sidecar"
            ? loadConfig(environmentOf(container))
            : readSettings(PERSISTENT_CACHE, environmentOf(container));
        expect(load().warnings.filter((warning) => !warning.startsWith("CACHE_LOCK_RETRY_COUNT"))).toEqual([]);
        expect(container.securityContext).toMatchObject({ readOnlyRootFilesystem: true, runAsNonRoot: true });
        expect(container.readinessProbe).toBeDefined();
        for (const { name } of container.volumeMounts ?? [])
          expect(volumes.map((volume) => volume.name)).toContain(name);
      }
    }
  });

  it.each([
    ["catalog-values.yaml", ["ConfigMap", "Deployment", "PodDisruptionBudget", "Service"]],
    [
      "vendor-values.yaml",
      [
        "Deployment",
        "Deployment",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "PodDisruptionBudget",
        "Secret",
        "Service",
        "Service",
      ],
    ],
    ["native-sidecar-values.yaml", ["Deployment", "PodDisruptionBudget", "Service"]],
    [
      "production-values.yaml",
      [
        "Deployment",
        "Deployment",
        "HorizontalPodAutoscaler",
        "HorizontalPodAutoscaler",
        "NetworkPolicy",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "PodDisruptionBudget",
        "PrometheusRule",
        "Service",
        "Service",
        "ServiceMonitor",
      ],
    ],
    [
      "cache-only-values.yaml",
      ["ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Secret", "Service"],
    ],
  ])("%s: has these manifests", async (values, kinds) => {
    const manifests = await render(values);
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(kinds);
    const rule = manifests.find(({ kind }) => kind === "PrometheusRule");
    if (rule !== undefined) expect(rule.spec.groups?.flatMap(({ rules }) => rules).length).toBeGreaterThan(10);
  });

  it("starts the sidecar before the application, in its pod, and ends it after it", async () => {
    const deployment = (await render("native-sidecar-values.yaml")).find(({ kind }) => kind === "Deployment");
    expect(
      deployment?.spec.template?.spec.initContainers?.map(({ name, restartPolicy }) => [name, restartPolicy]),
    ).toEqual([["entitlement-sidecar", "Always"]]);
    expect(deployment?.spec.template?.spec.containers.map(({ name }) => name)).toEqual(["shop"]);
  });

  it.each([
    [["--set", "sidecar.standalone=true"], "serverApiKey, or apiKeysSecretName, is required"],
    [["--set", "serverApiKey=a", "--set", "persistentCache.enabled=true"], "persistentCache.awsRegion is required"],
    [["--set", "serverApiKey=a", "--set", "sidecar.ports.grpc=99999"], "ports"],
  ])("refuses %j and says what is missing", async (args, said) => {
    const { code, stderr } = await tryCommand(helm, ["template", "shop", CHART, ...KUBERNETES, ...args]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(said)]);
  });
});
