import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { onTestFinished } from "../support/on-test-finished.js";

const READY_WITHIN_MS = 20_000;
const POLL_MS = 20;

/** How a proxy is asked whether it is there, and started in front of a sidecar. */
export interface Proxy {
  readonly name: string;
  readonly command: string;
  readonly probe: readonly string[];
  /** Whether calls may be cancelled before it has passed them on. */
  readonly bearsEarlyCancels: boolean;
  /** @returns the arguments to run it in the foreground */
  prepare(directory: string, port: number, sidecarPort: number): Promise<readonly string[]>;
}

export const PROXIES: readonly Proxy[] = [
  {
    name: "nginx (grpc_pass)",
    command: "nginx",
    probe: ["-v"],
    bearsEarlyCancels: true,
    async prepare(directory, port, sidecarPort) {
      const file = join(directory, "nginx.conf");
      const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map((kind) => `${kind}_temp_path ${directory}/${kind};`)
        .join("\n  ");
      const user = process.getuid?.() === 0 ? "user root;\n" : "";
      const configuration = `${user}daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 2048; }
http {
  access_log off;
  ${temporary}
  upstream sidecar { server 127.0.0.1:${sidecarPort}; keepalive 16; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port} http2;
    keepalive_requests 1000000;
    http2_max_concurrent_streams 1000;
    location / { grpc_pass grpc://sidecar; }
  }
}
`;
      await writeFile(file, configuration);
      return ["-c", file, "-e", "stderr", "-p", directory];
    },
  },
  {
    name: "haproxy (proto h2)",
    command: "haproxy",
    probe: ["-v"],
    // 2.6 resets stream 0 for a call that had no stream yet, which is the end of the connection to any server (RFC 9113, 6.4).
    bearsEarlyCancels: false,
    async prepare(directory, port, sidecarPort) {
      const file = join(directory, "haproxy.cfg");
      const configuration = `global
  maxconn 2000
defaults
  mode http
  option abortonclose
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend callers
  bind 127.0.0.1:${port} proto h2
  default_backend sidecar
backend sidecar
  http-reuse always
  server one 127.0.0.1:${sidecarPort} proto h2
`;
      await writeFile(file, configuration);
      return ["-f", file];
    },
  },
  {
    name: "nghttpx",
    command: "nghttpx",
    probe: ["--version"],
    bearsEarlyCancels: true,
    prepare: (directory, port, sidecarPort) =>
      Promise.resolve([
        `--frontend=127.0.0.1,${port};no-tls`,
        `--backend=127.0.0.1,${sidecarPort};;proto=h2`,
        "--workers=1",
        `--pid-file=${directory}/nghttpx.pid`,
        `--conf=${directory}/none.conf`,
        "--errorlog-file=/dev/stderr",
        "--accesslog-file=/dev/null",
        "--log-level=ERROR",
      ]),
  },
];

/** A proxy of one test's own. @returns the port on which it takes callers */
export async function startProxy(proxy: Proxy, directory: string, sidecarPort: number): Promise<number> {
  const port = await freePort();
  const process = spawn(proxy.command, await proxy.prepare(directory, port, sidecarPort), {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  process.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  onTestFinished(async () => {
    process.kill("SIGTERM");
    if (process.exitCode === null && process.signalCode === null) await once(process, "close");
  });
  const until = performance.now() + READY_WITHIN_MS;
  while (!(await accepts(port))) {
    if (process.exitCode !== null || performance.now() > until)
      throw new Error(`${proxy.name} does not listen: ${said}`);
    await delay(POLL_MS);
  }
  return port;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
