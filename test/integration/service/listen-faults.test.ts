import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { listenFault } from "../../../src/bootstrap/process/start-error.js";
import { type Ended, PERSISTENT_CACHE, runToEnd, ServiceProcess } from "./service-process.js";

const REPO = resolve(import.meta.dirname, "../../..");
const CATALOG = resolve(REPO, "examples/catalog.yaml");

interface Listener {
  readonly portName: string;
  readonly hostName?: string;
  readonly exitCode: number;
  readonly run: (port: string, host?: string) => Promise<Ended>;
}

const serve = (own: Readonly<Record<string, string>>) =>
  runToEnd(["serve"], { CATALOG_FILE: CATALOG, GRPC_PORT: "0", METRICS_PORT: "0", LISTEN_HOST: "127.0.0.1", ...own });

/** Everything that listens, by the setting or option of its port. */
const LISTENERS: readonly Listener[] = [
  {
    portName: "GRPC_PORT",
    hostName: "LISTEN_HOST",
    exitCode: 78,
    run: (port, host = "127.0.0.1") => serve({ GRPC_PORT: port, LISTEN_HOST: host }),
  },
  {
    portName: "METRICS_PORT",
    hostName: "LISTEN_HOST",
    exitCode: 78,
    run: (port, host = "127.0.0.1") => serve({ METRICS_PORT: port, LISTEN_HOST: host }),
  },
  {
    portName: "PORT",
    exitCode: 78,
    run: (port) =>
      new ServiceProcess(
        [],
        {
          AWS_REGION: "eu-west-1",
          QUEUE_URL: "http://127.0.0.1:1/q",
          SERVER_API_KEY: "key",
          REDIS_HOST: "127.0.0.1",
          REDIS_PORT: "1",
          PORT: port,
        },
        REPO,
        PERSISTENT_CACHE,
      ).ended,
  },
  {
    portName: "--port",
    hostName: "--host",
    exitCode: 2,
    run: (port, host = "127.0.0.1") => runToEnd(["emulate", "--catalog", CATALOG, "--port", port, "--host", host]),
  },
];

describe.each(LISTENERS)("a start whose $portName cannot be had", ({ portName, hostName, exitCode, run }) => {
  const taken = createServer();
  beforeAll(async () => {
    taken.listen(0);
    await once(taken, "listening");
  });
  afterAll(() => void taken.close());

  it("because it is in use says so, and names the setting", async () => {
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await run(String(port));
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(
      new RegExp(
        `${portName}: port ${port}.* is in use \\(EADDRINUSE\\): end what listens there, or choose another ${portName}`,
      ),
    );
  });

  (hostName !== undefined ? it : it.skip)("because of the address says so, and names the setting", async () => {
    for (const host of ["192.0.2.1", "no-such-host.invalid"]) {
      const { code, stderr } = await run("0", host);
      expect(code).toBe(exitCode);
      expect(stderr).toContain(`${hostName ?? ""}: this machine has no address ${host} to listen on`);
    }
  });
});

describe("a port that is reserved", () => {
  const refused = Object.assign(new Error("listen EACCES: permission denied 0.0.0.0:80"), {
    code: "EACCES",
    syscall: "listen",
  });

  it.each(LISTENERS)("is explained with every way to have it ($portName)", ({ portName, hostName }) => {
    const message = listenFault(new Error("cannot listen", { cause: refused }), {
      port: 1,
      host: undefined,
      portName,
      hostName,
    });
    expect(message).toMatch(
      new RegExp(
        `^${portName}: .*CAP_NET_BIND_SERVICE.*net\\.ipv4\\.ip_unprivileged_port_start=1 .*set ${portName} to a port from \\d+ on$`,
      ),
    );
  });

  it("is not blamed where a port above is refused", () => {
    expect(listenFault(refused, { port: 50_051, host: undefined, portName: "GRPC_PORT" })).not.toContain(
      "CAP_NET_BIND_SERVICE",
    );
  });

  const LOW = "ip link set lo up; exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all";
  const isAllowed = spawnSync("unshare", ["--net", "sh", "-c", `${LOW} test -r ${REPO}/package.json`]).status === 0;
  (isAllowed ? it : it.skip).each([
    ["serve, GRPC_PORT", ["serve"], { GRPC_PORT: "80", METRICS_PORT: "0" }],
    ["serve, METRICS_PORT", ["serve"], { GRPC_PORT: "0", METRICS_PORT: "81" }],
  ] as const)("is explained to a user without the right (%s)", (_, args, ports) => {
    const run = spawnSync(
      "unshare",
      ["--net", "sh", "-c", `${LOW} "$@"`, "sh", process.execPath, "dist/bootstrap/cli.js", ...args],
      {
        cwd: REPO,
        env: { PATH: process.env["PATH"], OFFLINE: "1", LISTEN_HOST: "127.0.0.1", ...ports },
        encoding: "utf8",
      },
    );
    expect(run.status).toBe(78);
    expect(run.stderr).toMatch(
      /(?:GRPC|METRICS)_PORT: this user may not listen on port 8[01] of 127\.0\.0\.1, .*CAP_NET_BIND_SERVICE/,
    );
  });
});
