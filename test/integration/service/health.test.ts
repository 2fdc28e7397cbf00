import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { Metrics } from "../../../src/adapters/ops/metrics/metrics.js";
import { OpsServer, type OpsServerOptions } from "../../../src/adapters/ops/ops-server.js";
import { Readiness } from "../../../src/application/readiness.js";
import type { Logger } from "../../../src/ports/logger.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

const SILENT: Logger = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
const METRICS = { render: () => Promise.resolve({ contentType: "text/plain; version=0.0.4", body: "sidecar_up 1\n" }) };

const running: OpsServer[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function start(
  options: Partial<OpsServerOptions> = {},
): Promise<{ port: number; readiness: Readiness; server: OpsServer }> {
  const readiness = new Readiness();
  const server = new OpsServer({
    livenessPath: "livez",
    readinessPath: "readyz",
    readiness,
    metrics: METRICS,
    logger: SILENT,
    ...options,
  });
  running.push(server);
  const { port } = await server.listen(0, "127.0.0.1");
  return { port, readiness, server };
}

async function ask(port: number, path: string, method = "GET") {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    allow: response.headers.get("allow"),
    body: await response.text(),
  };
}

const UP = { status: 200, type: "application/json", allow: null, body: '{"status":"UP"}' };
const DOWN = { status: 503, type: "application/json", allow: null, body: '{"status":"DOWN"}' };

describe("liveness", () => {
  it("is UP as long as the process answers, ready or not", async () => {
    const { port, readiness } = await start();
    expect(await ask(port, "/livez")).toEqual(UP);
    readiness.ready();
    readiness.drain();
    expect(await ask(port, "/livez")).toEqual(UP);
  });
});

describe("a probe at the path of something else", () => {
  it("answers there, and what is not served for it is told", async () => {
    const logger = new RecordingLogger();
    const { port } = await start({
      livenessPath: "status",
      routes: new Map([["/status", () => ({ status: 200, contentType: "text/plain", body: "all of it" })]]),
      logger,
    });
    expect(await ask(port, "/status")).toEqual(UP);
    expect(logger.count("a probe answers at a path")).toBe(1);
  });
});

describe("readiness", () => {
  it("is DOWN while starting, UP while checks can be answered, DOWN while draining", async () => {
    const { port, readiness } = await start();
    expect(await ask(port, "/readyz")).toEqual(DOWN);
    readiness.ready();
    expect(await ask(port, "/readyz")).toEqual(UP);
    readiness.drain();
    expect(await ask(port, "/readyz")).toEqual(DOWN);
  });

  it("stays DOWN once draining", async () => {
    const { port, readiness } = await start();
    readiness.drain();
    readiness.ready();
    expect(await ask(port, "/readyz")).toEqual(DOWN);
  });
});

describe("the paths", () => {
  it.each([
    ["health", "health/ready"],
    ["/health", "/health/ready"],
  ])("can be configured with or without a leading slash (%s, %s)", async (livenessPath, readinessPath) => {
    const { port } = await start({ livenessPath, readinessPath });
    expect((await ask(port, "/health")).status).toBe(200);
    expect((await ask(port, "/health/ready")).status).toBe(503);
    expect((await ask(port, "/livez")).status).toBe(404);
  });

  it("take a query, as probes add one", async () => {
    const { port } = await start();
    expect(await ask(port, "/livez?probe=1")).toEqual(UP);
  });

  it("that do not exist say which do", async () => {
    const { port } = await start();
    expect(await ask(port, "/nothing")).toEqual({
      status: 404,
      type: "application/json",
      allow: null,
      body: '{"error":"There is nothing at this path. There is: /metrics, /livez, /readyz"}',
    });
  });
});

describe("a request", () => {
  it.each(["/livez", "/readyz", "/metrics"])("HEAD %s has the headers of GET and no body", async (path) => {
    const { port } = await start();
    const head = await ask(port, path, "HEAD");
    const get = await ask(port, path);
    expect(head).toEqual({ ...get, body: "" });
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("%s is refused with what is allowed", async (method) => {
    const { port } = await start();
    expect(await ask(port, "/livez", method)).toMatchObject({ status: 405, allow: "GET, HEAD" });
  });

  it("for metrics that cannot be read fails alone", async () => {
    const logged: string[] = [];
    const { port } = await start({
      metrics: { render: () => Promise.reject(new Error("no")) },
      logger: { ...SILENT, error: (message) => logged.push(message) },
    });
    expect((await ask(port, "/metrics")).status).toBe(500);
    expect(logged).toEqual(["a request for operations failed"]);
    expect((await ask(port, "/livez")).status).toBe(200);
  });

  it("of garbage is refused, and the next is answered", async () => {
    const { port } = await start();
    const socket = connect(port, "127.0.0.1");
    socket.end("\u0000\u0001garbage\r\n\r\n");
    const answer = await new Promise<string>((done) => socket.once("data", (chunk) => done(chunk.toString())));
    expect(answer).toMatch(/^HTTP\/1.1 400/);
    expect((await ask(port, "/livez")).status).toBe(200);
  });
});

describe("closing", () => {
  it("does not wait for connections that are kept open", async () => {
    const { port, server } = await start();
    const kept = request({ port, host: "127.0.0.1", path: "/livez", headers: { connection: "keep-alive" } }).end();
    const socket = await new Promise<NodeJS.EventEmitter>((done) =>
      kept.once("response", (response) => done(response.resume().socket)),
    );
    const closed = new Promise((done) => socket.once("close", done));
    kept.on("error", () => {});
    await server.close();
    await closed;
    await expect(ask(port, "/livez")).rejects.toThrow();
  });

  it("may be asked for before it listens, and twice", async () => {
    const { server } = await start();
    await Promise.all([server.close(), server.close()]);
    const never = new OpsServer({
      livenessPath: "l",
      readinessPath: "r",
      readiness: new Readiness(),
      metrics: METRICS,
      logger: SILENT,
    });
    await expect(never.close()).resolves.toBeUndefined();
  });
});

describe("a port that is taken", () => {
  it("is an error with its code", async () => {
    const { port } = await start();
    const second = new OpsServer({
      livenessPath: "l",
      readinessPath: "r",
      readiness: new Readiness(),
      metrics: METRICS,
      logger: SILENT,
    });
    await expect(second.listen(port, "127.0.0.1")).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});

describe("a flood of requests that are dear", () => {
  /** Metrics that say how many read them in one turn of the event loop. */
  function countedMetrics() {
    let inThisTurn = 0;
    const counts = { most: 0, all: 0 };
    return {
      counts,
      render() {
        if (inThisTurn === 0) setImmediate(() => (inThisTurn = 0));
        counts.most = Math.max(counts.most, ++inThisTurn);
        counts.all++;
        return METRICS.render();
      },
    };
  }

  /** Sends so many requests in one write, and resolves to the statuses that came until the connection was closed. */
  async function pipelined(port: number, path: string, count: number): Promise<readonly string[]> {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`.repeat(count));
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    return (text.match(/HTTP\/1\.1 \d+/g) ?? []).map((status) => status.slice(-3));
  }

  it("is served one in a turn of the event loop, and beyond a bound refused", async () => {
    const metrics = countedMetrics();
    const { port } = await start({ metrics });
    const answered = await Promise.all(Array.from({ length: 30 }, () => pipelined(port, "/metrics", 10)));
    const statuses = answered.flat();
    expect(statuses).toHaveLength(300);
    expect(new Set(statuses)).toEqual(new Set(["200", "503"]));
    // Counted by turns of its own, which begin behind those of the server.
    expect(metrics.counts.most).toBeLessThanOrEqual(2);
    expect(await ask(port, "/metrics")).toMatchObject({ status: 200 });
  });

  it.each(["/metrics", "/livez"])(
    "gets ten answers at most where they are asked for at once on one connection, which closes then, %s",
    async (path) => {
      const { port } = await start({ metrics: countedMetrics() });
      expect(await pipelined(port, path, 1_000)).toEqual(Array.from({ length: 10 }, () => "200"));
    },
  );

  it("holds up no probe", async () => {
    const { port } = await start({ metrics: { render: () => new Promise(() => undefined) } });
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n".repeat(300));
    expect(await ask(port, "/livez")).toEqual(UP);
    socket.destroy();
  });

  it("reads the figures once for all who ask meanwhile", async () => {
    let reads = 0;
    const metrics = new Metrics<object>([], () => Promise.resolve({ reads: ++reads }));
    await Promise.all([metrics.render(), metrics.render(), metrics.render()]);
    expect(reads).toBe(1);
    await metrics.render();
    expect(reads).toBe(2);
  });
});
