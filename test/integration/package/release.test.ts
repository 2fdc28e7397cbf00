import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { parse } from "yaml";

const run = promisify(execFile);
const REPO = resolve(import.meta.dirname, "../../..");
/** A registry that is not there: nothing is published, and nothing asked. */
const NO_REGISTRY = ["--registry", "http://127.0.0.1:1", "--fetch-retries", "0"];

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<
    Record<string, { readonly needs?: string | string[]; readonly permissions: object; readonly steps: Step[] }>
  >;
}

jest.setTimeout(300_000);

describe("the release workflow", () => {
  let top: string;
  let workflow: Workflow;
  let steps: Step[];
  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), "release-"));
    workflow = parse(await readFile(join(REPO, ".github/workflows/release.yml"), "utf8")) as Workflow;
    steps = Object.values(workflow.jobs).flatMap((job) => job.steps);
  });
  afterAll(() => rm(top, { recursive: true, force: true }));

  /** The line of the workflow that begins with a command, as it stands there. */
  function commandOf(beginning: string): string {
    const line = steps
      .flatMap(({ run: script }) => script?.split("\n") ?? [])
      .flatMap((text) => text.split(" && "))
      .find((text) => text.trim().startsWith(beginning));
    if (line === undefined) throw new Error(`no step runs ${beginning}`);
    return line.trim();
  }

  it("takes every action by a version", () => {
    const actions = steps.flatMap(({ uses }) => uses ?? []);
    expect(actions.length).toBeGreaterThan(5);
    expect(actions.filter((action) => !/@(?:v\d+|[\da-f]{40})$/.test(action))).toEqual([]);
  });

  it("allows nothing to a job that the job does not name", () => {
    expect(workflow.permissions).toEqual({});
    expect(Object.entries(workflow.jobs).filter(([, job]) => !("contents" in job.permissions))).toEqual([]);
  });

  it("checks everything before anything leaves it", () => {
    expect(workflow.jobs["check"]?.steps.some((step) => step.run?.includes(".ci/run"))).toBe(true);
    const needs = Object.entries(workflow.jobs).map(([name, job]) => [name, job.needs]);
    expect(Object.fromEntries(needs)).toEqual({
      check: undefined,
      package: "check",
      image: "check",
      publish: ["package", "image"],
    });
  });

  it("builds the image for both processors, with where it comes from and what is in it", () => {
    const build = steps.find(({ uses }) => uses?.startsWith("docker/build-push-action@"));
    expect(build?.with).toMatchObject({ platforms: "linux/amd64,linux/arm64", provenance: "mode=max", sbom: true });
    expect(build?.with?.["build-args"]).toMatch(
      /^NODE_IMAGE=\$\{\{ \S+ \}\}@\$\{\{ steps\.base\.outputs\.digest \}\}$/,
    );
    expect(commandOf("cosign sign")).toMatch(/@\$DIGEST"$/);
  });

  it("packs what npm would publish as it is", async () => {
    const folder = join(top, "release");
    await mkdir(folder);
    const pack = commandOf("npm pack").replace("--pack-destination release", `--pack-destination ${folder}`);
    await run("sh", ["-c", `${pack} --ignore-scripts`], { cwd: REPO });
    const publish = `channel=next; ${commandOf("npm publish")} --dry-run --json ${NO_REGISTRY.join(" ")}`;
    const { stdout, stderr } = await run("sh", ["-c", publish], {
      cwd: top,
      env: { ...process.env, npm_config_loglevel: "notice" },
      maxBuffer: 1 << 26,
    });
    const manifest = JSON.parse(await readFile(join(REPO, "package.json"), "utf8")) as {
      name: string;
      version: string;
    };
    const answer = JSON.parse(stdout) as Record<string, unknown>;
    expect(answer[manifest.name] ?? answer).toMatchObject({ id: `${manifest.name}@${manifest.version}` });
    expect(stderr).toContain("with tag next and public access (dry-run)");
    expect(stderr).not.toContain("auto-corrected");
  });

  it("lists in the bill of materials what an install brings, and nothing of how it is made", async () => {
    const command = commandOf("node build/bill-of-materials.js").split(" > ")[0] ?? "";
    const { stdout } = await run("sh", ["-c", command], { cwd: REPO, maxBuffer: 1 << 26 });
    const bill = JSON.parse(stdout) as {
      bomFormat: string;
      metadata: { component: { purl: string } };
      components: { group?: string; name: string; version: string }[];
    };
    const { version, packages } = JSON.parse(await readFile(join(REPO, "package-lock.json"), "utf8")) as {
      version: string;
      packages: Record<string, { version: string; dev?: true; devOptional?: true; optional?: true; peer?: true }>;
    };
    expect(bill.bomFormat).toBe("CycloneDX");
    expect(bill.metadata.component.purl).toBe(`pkg:npm/entitlement-sidecar@${version}`);
    const listed = bill.components.map(({ name, version: of }) => `${name}@${of}`);
    const locked = Object.entries(packages).map(([path, entry]) => ({
      name: `${path.split("node_modules/").at(-1) ?? ""}@${entry.version}`,
      isTool: entry.dev === true,
      isSure: path !== "" && !entry.dev && !entry.devOptional && !entry.optional && !entry.peer,
    }));
    expect(locked.filter(({ name, isSure }) => isSure && !listed.includes(name))).toEqual([]);
    const installed = new Set(locked.filter(({ isTool }) => !isTool).map(({ name }) => name));
    expect(listed.filter((name) => !installed.has(name))).toEqual([]);
  });
});
