import { cp, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { Ajv } from "ajv";
import { parseAllDocuments } from "yaml";
import { pythonEnvironment } from "../interop/python-program.js";
import { runCommand, tryCommand } from "../interop/run-command.js";
import { findToolchain, tell } from "../interop/toolchain.js";
import { temporaryDirectory } from "../interop/workspace.js";
import { REPOSITORY } from "../support/repository.js";
import { CHART, findHelm, findKustomize, renderChart } from "./kubernetes-tools.js";

/** The oldest and the newest of the Kubernetes versions that the manifests are held against. */
const VERSIONS = ["1.30", "1.37"];
const REQUIREMENTS = fileURLToPath(new URL("kubernetes/", import.meta.url));

const helm = await findHelm();
const kustomize = await findKustomize();
const python = await findToolchain("Python 3 with venv", "python3", [
  "-c",
  "import ensurepip, platform, venv; print(platform.python_version())",
]);
if (helm === "" || kustomize === "")
  tell("helm or kustomize, and Go to build them, are not installed here, so manifests are not held against schemas");

interface Manifest {
  readonly kind: string;
}

/** What the Prometheus operator takes of what the chart writes; Kubernetes' own schemas do not know these kinds. */
const OPERATOR_SCHEMAS: Readonly<Record<string, object>> = {
  ServiceMonitor: operatorSchema({
    endpoints: list(closed({ port: text(), path: text(), interval: text(), scrapeTimeout: text() }, ["port"])),
    selector: closed({ matchLabels: texts(), matchExpressions: list({ type: "object" }) }, ["matchLabels"]),
    namespaceSelector: { type: "object" },
  }),
  PrometheusRule: operatorSchema({
    groups: list(
      closed(
        {
          name: text(),
          interval: text(),
          rules: list(
            closed(
              { alert: text(), record: text(), expr: text(), for: text(), labels: texts(), annotations: texts() },
              ["expr"],
            ),
          ),
        },
        ["name", "rules"],
      ),
    ),
  }),
};

function operatorSchema(spec: Readonly<Record<string, object>>): object {
  return closed(
    {
      apiVersion: { const: "monitoring.coreos.com/v1" },
      kind: text(),
      metadata: closed({ name: text(), namespace: text(), labels: texts() }, ["name"]),
      spec: closed(spec, []),
    },
    ["apiVersion", "kind", "metadata", "spec"],
  );
}

function closed(properties: Readonly<Record<string, object>>, required: readonly string[]): object {
  return { type: "object", properties, required, additionalProperties: false };
}

function list(items: object): object {
  return { type: "array", items, minItems: 1 };
}

function text(): object {
  return { type: "string" };
}

function texts(): object {
  return { type: "object", additionalProperties: text() };
}

/** What is wrong with manifests, by Kubernetes' own schemas, in which no field is allowed that is none. */
async function faultsOf(yaml: string): Promise<readonly string[]> {
  const file = join(await temporaryDirectory("manifests"), "manifests.yaml");
  await writeFile(file, yaml);
  const program = join(await pythonEnvironment(REQUIREMENTS, python ?? ""), "../kubernetes-validate");
  const { code, stdout, stderr } = await tryCommand(program, [
    "--strict",
    "--quiet",
    ...VERSIONS.flatMap((version) => ["--kubernetes-version", version]),
    file,
  ]);
  const faults = `${stdout}\n${stderr}`
    .split("\n")
    .filter(
      (line) => line.trim() !== "" && !/Couldn't find schema for kind (?:ServiceMonitor|PrometheusRule) /.test(line),
    );
  const ajv = new Ajv({ allErrors: true });
  for (const manifest of manifestsOf(yaml)) {
    const schema = OPERATOR_SCHEMAS[manifest.kind];
    const isRight: boolean = schema === undefined || ajv.validate(schema, manifest);
    if (!isRight) faults.push(`${manifest.kind}: ${ajv.errorsText()}`);
  }
  return code === 0 ? faults : [`exit code ${code}`, ...faults];
}

function manifestsOf(yaml: string): readonly Manifest[] {
  return parseAllDocuments(yaml)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

const setsOfValues = await readdir(join(CHART, "ci"));
const isHere = helm !== "" && kustomize !== "" && python !== undefined;

(isHere ? describe : describe.skip)(`by the schemas of Kubernetes ${VERSIONS.join(" and ")}`, () => {
  it.each(setsOfValues)("what the chart makes of %s is right", async (values) => {
    expect(await faultsOf(await renderChart(helm, values))).toEqual([]);
  });

  it.each(["sidecar-deployment", "persistent-cache"])("what kustomize makes of %s is right", async (folder) => {
    expect(
      await faultsOf(await runCommand(kustomize, ["build", join(REPOSITORY, "deploy/kustomize", folder)])),
    ).toEqual([]);
  });

  it("what it makes of an application to which the sidecar is added is right", async () => {
    const directory = await temporaryDirectory("kustomize");
    await cp(join(REPOSITORY, "deploy/kustomize"), directory, { recursive: true });
    const shop = join(directory, "shop");
    await mkdir(shop);
    await writeFile(join(shop, "kustomization.yaml"), "resources: [shop.yaml]\ncomponents: [../sidecar-container]\n");
    await writeFile(join(shop, "shop.yaml"), SHOP);
    const built = await runCommand(kustomize, ["build", shop]);
    expect(built).toContain("initContainers");
    expect(await faultsOf(built)).toEqual([]);
  });

  it("a field that there is not, a kind that there is not, and a rule without an expression are found", async () => {
    const rule =
      "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: { name: a }\nspec: { groups: [{ name: a, rules: [{ alert: A }] }] }";
    const other = "apiVersion: example.com/v1\nkind: Other\nmetadata: { name: a }";
    expect((await faultsOf(SHOP.replace("replicas:", "replica:"))).join("\n")).toContain("replica");
    expect((await faultsOf(other)).join("\n")).toContain("Other");
    expect((await faultsOf(rule)).join("\n")).toContain("expr");
  });
});

const SHOP = `apiVersion: apps/v1
kind: Deployment
metadata: { name: shop, labels: { entitlements: sidecar } }
spec:
  replicas: 1
  selector: { matchLabels: { app: shop } }
  template:
    metadata: { labels: { app: shop } }
    spec: { containers: [{ name: shop, image: shop }] }
`;
