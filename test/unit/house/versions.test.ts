import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { REPOSITORY } from "../../support/repository.js";

const read = (file: string) => readFileSync(join(REPOSITORY, file), "utf8");
const { version } = JSON.parse(read("package.json")) as { version: string };

const said = (file: string, pattern: RegExp) =>
  Array.from(read(file).matchAll(pattern), ([, named]): [file: string, version: string | undefined] => [file, named]);

const tags = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "deploy/kustomize"], {
  cwd: REPOSITORY,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file.endsWith("kustomization.yaml"))
  .flatMap((file) => said(file, /newTag: (\S+)/g));

it.each([
  ...said("package-lock.json", /^ {2}"version": "(.*)"/gm),
  ...said("package-lock.json", /^ {4}"": \{\n {6}"name": ".*",\n {6}"version": "(.*)"/gm),
  ...said("CHANGELOG.md", /^## (\d\S*)/gm).slice(0, 1),
  ...said("deploy/helm/entitlement-sidecar/Chart.yaml", /^(?:version|appVersion): (\S+)/gm),
  ...said("deploy/README.md", /entitlement-sidecar:(\d\S*)/g),
  ...tags,
])("%s names the version of the package: %s", (_, named) => {
  expect(named).toBe(version);
});

it.each(["browser", "consumer"])("examples/%s is of the package around it, published or not", (example) => {
  expect(said(`examples/${example}/package.json`, /"entitlement-sidecar": "(.*)"/g)).toEqual([
    [`examples/${example}/package.json`, "file:../.."],
  ]);
});

it("is named in all of these places", () => {
  expect(tags).toHaveLength(3);
});
