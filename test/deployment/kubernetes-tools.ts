import { join } from "node:path";
import { probeToolchain, runCommand } from "../interop/run-command.js";
import { CACHE_DIRECTORY, REPOSITORY } from "../support/repository.js";

export const CHART = join(REPOSITORY, "deploy/helm/entitlement-sidecar");

const BUILT = join(CACHE_DIRECTORY, "bin");
/** One that is built from its source knows no newer one than 1.20. */
export const KUBERNETES = ["--kube-version", "1.30.0"];

/** The one that is there, else one that Go builds once; "" without either. */
export function findHelm(): Promise<string> {
  return findTool("helm", ["version", "--short"], "helm.sh/helm/v3/cmd/helm@v3.22.0");
}

/** As for helm. */
export function findKustomize(): Promise<string> {
  return findTool("kustomize", ["version"], "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1");
}

async function findTool(name: string, probe: readonly string[], module: string): Promise<string> {
  if ((await probeToolchain(name, probe)) !== undefined) return name;
  const built = join(BUILT, name);
  if ((await probeToolchain(built, probe)) !== undefined) return built;
  if ((await probeToolchain("go", ["version"])) === undefined) return "";
  await runCommand("go", ["install", module], { env: { GOBIN: BUILT } });
  return built;
}

/** What the chart makes of one of its sets of values, as YAML. */
export function renderChart(helm: string, values: string): Promise<string> {
  return runCommand(helm, ["template", "shop", CHART, ...KUBERNETES, "--values", join(CHART, "ci", values)]);
}
