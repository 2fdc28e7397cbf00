import { execFile, spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";

const run = promisify(execFile);
const REPO = resolve(import.meta.dirname, "../../..");

interface Instruction {
  readonly name: string;
  readonly args: string;
}

/** One stage of the Dockerfile, carried out by hand below a folder that stands for the image's root. */
interface Stage {
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  entrypoint: string[];
  command: string[];
  healthcheck: string[];
  user: string | undefined;
}

function parseDockerfile(text: string): Instruction[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("#"))
    .map((line) => ({ name: line.slice(0, line.indexOf(" ")), args: line.slice(line.indexOf(" ") + 1).trim() }));
}

/** The steps of `docker build`, without an engine: every instruction of the file, in its order, in a clean folder. */
async function buildByHand(top: string): Promise<Stage> {
  const ignored = (await readFile(join(REPO, ".dockerignore"), "utf8")).split("\n").filter((line) => line !== "");
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const { name, args } of parseDockerfile(await readFile(join(REPO, "Dockerfile"), "utf8"))) {
    if (name === "FROM") {
      const alias = / AS (\S+)$/.exec(args)?.[1] ?? "final";
      stage = {
        root: join(top, alias),
        workdir: "/",
        env: {},
        entrypoint: [],
        command: [],
        healthcheck: [],
        user: undefined,
      };
      stages.set(alias, stage);
      continue;
    }
    // Which image the stages begin with, which no step by hand asks for.
    if (name === "ARG" && stage === undefined) continue;
    if (stage === undefined) throw new Error(`${name} before the first FROM`);
    await carryOut(stage, name, args, stages, ignored);
  }
  return stages.get("final")!;
}

async function carryOut(
  stage: Stage,
  name: string,
  args: string,
  stages: Map<string, Stage>,
  ignored: string[],
): Promise<void> {
  const inStage = (path: string, of = stage) => join(of.root, resolve(of.workdir, path));
  switch (name) {
    case "WORKDIR":
      stage.workdir = args;
      await mkdir(inStage("."), { recursive: true });
      break;
    case "ENV": {
      const [key, value] = args.split("=");
      stage.env[key!] = value!;
      break;
    }
    case "COPY": {
      const words = args.split(" ");
      const from = /^--from=(.*)$/.exec(words[0]!)?.[1];
      const sources = words.slice(from === undefined ? 0 : 1, -1);
      for (const source of sources) {
        const origin = from === undefined ? join(REPO, source) : inStage(source, stages.get(from));
        const target = words.at(-1)!;
        const destination = inStage(
          source !== "." && target.endsWith("/") ? join(target, source.split("/").at(-1)!) : target,
        );
        await cp(origin, destination, {
          recursive: true,
          verbatimSymlinks: true,
          filter: (path) => from !== undefined || !isIgnored(relative(REPO, path), ignored),
        });
      }
      break;
    }
    case "RUN":
      await run("sh", ["-c", args], { cwd: inStage("."), env: { ...process.env, ...stage.env }, maxBuffer: 1 << 26 });
      break;
    case "USER":
      stage.user = args;
      break;
    case "HEALTHCHECK":
      stage.healthcheck = JSON.parse(args.slice(args.indexOf("CMD ") + 4)) as string[];
      break;
    case "ENTRYPOINT":
      stage.entrypoint = JSON.parse(args) as string[];
      break;
    case "CMD":
      stage.command = JSON.parse(args) as string[];
      break;
    case "EXPOSE":
      break;
    default:
      throw new Error(`this test does not know the instruction ${name}`);
  }
}

function isIgnored(path: string, ignored: string[]): boolean {
  const top = path.split("/")[0]!;
  return ignored.some((pattern) =>
    pattern.startsWith("*") ? !path.includes("/") && path.endsWith(pattern.slice(1)) : top === pattern,
  );
}

jest.setTimeout(600_000);

describe("the image", () => {
  let top: string;
  let image: Stage;

  beforeAll(async () => {
    top = await mkdtemp(join(tmpdir(), "image-"));
    image = await buildByHand(top);
  }, 600_000);
  afterAll(() => rm(top, { recursive: true, force: true }));

  it("holds no development dependency", async () => {
    const listed = await run("npm", ["ls", "--all", "--json", "--omit=dev"], { cwd: join(image.root, "app") });
    expect(JSON.parse(listed.stdout)).not.toHaveProperty("problems");
    const everything = await run("sh", ["-c", "ls node_modules node_modules/@*"], { cwd: join(image.root, "app") });
    for (const tool of ["typescript", "jest", "eslint", "node-server-sdk"])
      expect(everything.stdout).not.toContain(tool);
  });

  it("does not run as root", () => {
    expect(image.user).toBe("node");
  });

  it("starts, is healthy, answers a check, and ends on SIGTERM with exit code 0", async () => {
    const cwd = join(image.root, image.workdir);
    const env = {
      PATH: process.env["PATH"],
      ...image.env,
      CATALOG_FILE: "examples/catalog.yaml",
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      LOG_LEVEL: "info",
    };
    const service = spawn(image.entrypoint[0]!, [...image.entrypoint.slice(1), ...image.command], { cwd, env });
    const ended = new Promise<number | null>((done) => service.once("exit", done));
    const { grpcPort, metricsPort } = await portsNamedBy(service.stdout);
    const health = await run(image.healthcheck[0]!, image.healthcheck.slice(1), {
      cwd,
      env: { ...env, METRICS_PORT: metricsPort },
    });
    expect(health.stderr).toBe("");
    const response = await fetch(`http://127.0.0.1:${grpcPort}/stigg.sidecar.v1.SidecarService/GetEntitlements`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ customerId: "nobody" }),
    });
    expect(await response.json()).toMatchObject({ accessDeniedReason: "ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND" });
    service.kill("SIGTERM");
    expect(await ended).toBe(0);
  });

  it("is unhealthy where nothing answers", async () => {
    const cwd = join(image.root, image.workdir);
    const check = run(image.healthcheck[0]!, image.healthcheck.slice(1), {
      cwd,
      env: { PATH: process.env["PATH"], METRICS_PORT: "1" },
    });
    await expect(check).rejects.toMatchObject({ code: 1 });
  });
});

/** Reads the ports from what the service prints once it listens. */
function portsNamedBy(stdout: NodeJS.ReadableStream): Promise<{ grpcPort: string; metricsPort: string }> {
  return new Promise((done, fail) => {
    let text = "";
    stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const grpcPort = /"grpcPort":(\d+)/.exec(text)?.[1];
      const metricsPort = /"metricsPort":(\d+)/.exec(text)?.[1];
      if (grpcPort !== undefined && metricsPort !== undefined) done({ grpcPort, metricsPort });
    });
    stdout.on("end", () => fail(new Error(`the service ended without telling its ports:\n${text}`)));
  });
}
