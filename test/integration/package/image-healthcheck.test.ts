import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import { SETTINGS } from "../../../src/bootstrap/config/settings/settings.js";
import { PERSISTENT_CACHE_SETTINGS } from "../../../src/bootstrap/persistent-cache/settings.js";
import { ServiceProcess } from "../service/service-process.js";

const REPO = resolve(import.meta.dirname, "../../..");
const CATALOG = {
  CATALOG_FILE: resolve(REPO, "examples/catalog.yaml"),
  GRPC_PORT: "0",
  METRICS_PORT: "0",
  SHUTDOWN_LINGER_MS: "0",
};
const [, COMMAND = "[]"] = /HEALTHCHECK .*CMD (\[.*\])/.exec(readFileSync(resolve(REPO, "Dockerfile"), "utf8")) ?? [];
const HAS_IPV6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);

async function health(
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const [command = "", ...args] = JSON.parse(COMMAND) as string[];
  const check = spawn(command, args, { cwd: REPO, env: { PATH: process.env["PATH"], ...environment } });
  let stderr = "";
  check.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
  const [code] = (await once(check, "close")) as [number | null];
  return { code, stderr };
}

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

async function answering(
  status: number,
  host = "127.0.0.1",
): Promise<{ readonly port: string; readonly paths: string[] }> {
  const paths: string[] = [];
  const server: Server = createServer((request, response) => {
    paths.push(request.url ?? "");
    response.writeHead(status).end();
  });
  server.listen(0, host);
  await once(server, "listening");
  open.push(() => server.close());
  return { port: String((server.address() as AddressInfo).port), paths };
}

describe("the image's health check", () => {
  it("is no second Node process", () => {
    expect(JSON.parse(COMMAND)).not.toContain("node");
  });

  const hosts = [undefined, "127.0.0.1", "localhost", "0.0.0.0", ...(HAS_IPV6 ? ["::1", "::"] : [])];
  it.each(hosts)("finds the service that listens on LISTEN_HOST=%s", async (host) => {
    const environment: Record<string, string> = host === undefined ? {} : { LISTEN_HOST: host };
    const service = new ServiceProcess([], { ...CATALOG, ...environment, START_MESSAGE: "json" });
    open.push(() => service.child.kill("SIGKILL"));
    const { metricsPort } = await service.started();
    expect(await health({ ...environment, METRICS_PORT: ` ${metricsPort} ` })).toEqual({ code: 0, stderr: "" });
    expect(
      await health({ ...environment, METRICS_PORT: String(metricsPort), HEALTH_ENDPOINT_URL: "elsewhere" }),
    ).toMatchObject({ code: 1 });
  });

  it.each(["health/live", "/health/live", "//health/live"])(
    "asks for the path that is configured as %s",
    async (path) => {
      const { port, paths } = await answering(200);
      expect(await health({ METRICS_PORT: port, HEALTH_ENDPOINT_URL: path })).toEqual({ code: 0, stderr: "" });
      expect(paths).toEqual(["/health/live"]);
    },
  );

  it.each([404, 500, 503])("fails where the answer is %i, and says so", async (status) => {
    const { port } = await answering(status);
    const { code, stderr } = await health({ METRICS_PORT: port });
    expect(code).toBe(1);
    expect(stderr).toContain(`127.0.0.1 port ${port} /livez: answers ${status}`);
  });

  it("fails where nothing listens, and names every address that it asked", async () => {
    const { code, stderr } = await health({ METRICS_PORT: "1" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^127\.0\.0\.1 port 1 \/livez: .+\n::1 port 1 \/livez: .+\n$/);
  });

  it("has the defaults of the settings", () => {
    const script = readFileSync(resolve(REPO, "dist/healthcheck.sh"), "utf8");
    for (const { name, defaultText } of [SETTINGS.metricsPort, SETTINGS.healthEndpointUrl])
      expect(script).toContain(`setting ${name} '${defaultText}'`);
    expect(script).toContain(`setting PORT '${PERSISTENT_CACHE_SETTINGS.port.defaultText}'`);
  });

  const NO_IPV4 = "ip link set lo up && ip addr del 127.0.0.1/8 dev lo";
  const isAllowed = spawnSync("unshare", ["--net", "bash", "-c", NO_IPV4]).status === 0;
  (isAllowed ? it : it.skip)("finds the service where there is IPv6 alone", () => {
    const script = `${NO_IPV4}; "$NODE" dist/bootstrap/cli.js serve & served=$!
      until $HEALTH; do kill -0 $served || exit 9; sleep 0.05; done; kill $served; wait $served; echo healthy`;
    const command = (JSON.parse(COMMAND) as string[]).join(" ");
    const environment = {
      PATH: process.env["PATH"],
      NODE: process.execPath,
      HEALTH: command,
      ...CATALOG,
      METRICS_PORT: "5052",
    };
    expect(
      spawnSync("unshare", ["--net", "bash", "-c", script], { cwd: REPO, env: environment, encoding: "utf8" }).stdout,
    ).toMatch(/healthy\n$/);
  });

  const isPidNamespaceAllowed = spawnSync("unshare", ["--pid", "--fork", "--mount-proc", "true"]).status === 0;
  (isPidNamespaceAllowed ? it : it.skip).each([
    ["the persistent-cache service", ["dist/bootstrap/persistent-cache.js"], {}],
    ["the first program, told to consume,", ["dist/bootstrap/cli.js", "consume"], {}],
    ["the first program, with a queue and no command,", ["dist/bootstrap/cli.js"], { QUEUE_URL: "http://queue" }],
  ])("follows PORT where %s is the container's first process", async (_, program, environment) => {
    const { port, paths } = await answering(200);
    // Its words are those of the program, and it asks.
    const first = `$HEALTH; exit $?`;
    const run = spawn("unshare", ["--pid", "--fork", "--mount-proc", "bash", "-c", first, ...program], {
      cwd: REPO,
      env: {
        PATH: process.env["PATH"],
        PORT: port,
        HEALTH: (JSON.parse(COMMAND) as string[]).join(" "),
        ...environment,
      },
    });
    expect(await once(run, "close")).toEqual([0, null]);
    expect(paths).toEqual(["/livez"]);
  });
});
