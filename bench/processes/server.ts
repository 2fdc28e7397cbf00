import { resolve } from "node:path";
import type { SampleAnswer } from "../load/sample-answers.js";
import { Child, REPO } from "./child.js";
import type { Upstream } from "./upstream.js";

/** A server under measurement. */
export interface MeasuredServer {
  readonly name: string;
  readonly grpcPort: number;
  /** Where it answers Connect's JSON over HTTP/1.1; undefined where it does not. */
  readonly jsonPort: number | undefined;
  /** Undefined where it has none. */
  readonly metricsPort: number | undefined;
  readonly child: Child;
}

interface Ports {
  readonly grpcPort: number;
  readonly jsonPort?: number;
  readonly metricsPort?: number;
}

/** On this machine alone, on any free port, and without waiting when it ends. */
export const LOCAL_SERVICE = {
  LISTEN_HOST: "127.0.0.1",
  GRPC_PORT: "0",
  METRICS_PORT: "0",
  SHUTDOWN_LINGER_MS: "0",
  START_MESSAGE: "json",
  // That the update stream is connected is reported on this level.
  LOG_LEVEL: "info",
};
const FOLLOWS_STREAM = /the update stream is connected/;

/** The built sidecar with its default configuration, once it listens and, where it has an update stream, follows it. */
export async function startSidecar(
  node: string,
  upstream: Upstream,
  environment: Readonly<Record<string, string>> = {},
  nodeArguments: readonly string[] = [],
): Promise<MeasuredServer> {
  const env: Readonly<Record<string, string>> = { ...LOCAL_SERVICE, ...upstream.environment, ...environment };
  const child = new Child([node, ...nodeArguments, resolve(REPO, "dist/bootstrap/cli.js"), "serve"], {
    core: "server",
    env,
  });
  // In Redis mode others follow it, unless this one is told to.
  const followsStream = env["REDIS_ENVIRONMENT_PREFIX"] === undefined || env["WS_ENABLED"] === "true";
  const [[line = ""]] = await Promise.all([
    child.printed(/^\{.*"grpcPort".*\}$/m),
    followsStream ? child.printed(FOLLOWS_STREAM) : undefined,
  ]);
  const { grpcPort, metricsPort } = JSON.parse(line) as Ports;
  return { name: "entitlement-sidecar", grpcPort, jsonPort: grpcPort, metricsPort, child };
}

/** The built sidecar serving a catalog, with usage in memory. */
export async function startCatalogSidecar(node: string, catalogFile: string): Promise<MeasuredServer> {
  const child = new Child([node, resolve(REPO, "dist/bootstrap/cli.js"), "serve"], {
    core: "server",
    env: { ...LOCAL_SERVICE, CATALOG_FILE: catalogFile },
  });
  const [line = ""] = await child.printed(/^\{.*"grpcPort".*\}$/m);
  const { grpcPort, metricsPort } = JSON.parse(line) as Ports;
  return { name: "entitlement-sidecar with a catalog", grpcPort, jsonPort: grpcPort, metricsPort, child };
}

/** @param answers what it answers, by path */
export async function startEcho(
  name: string,
  node: string,
  file: string,
  answers: readonly SampleAnswer[],
): Promise<MeasuredServer> {
  return { name, ...(await startPeer(node, file, [JSON.stringify(answers)], {})), metricsPort: undefined };
}

/** The service with everything that belongs to it, answered by Connect's adapter alone. */
export async function startConnectAdapter(node: string, upstream: Upstream): Promise<MeasuredServer> {
  const started = await startPeer(node, "connect-adapter.js", [], { ...LOCAL_SERVICE, ...upstream.environment });
  await started.child.printed(FOLLOWS_STREAM);
  return { name: "Connect's adapter", ...started, metricsPort: undefined };
}

async function startPeer(node: string, file: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = new Child([node, resolve(REPO, "bench/peers", file), ...args], {
    core: "server",
    env,
    hasChannel: true,
  });
  const { grpcPort, jsonPort } = (await child.message()) as Ports;
  return { grpcPort, jsonPort, child };
}

/** What one of its metrics says. @throws Error where it has no such metric */
export async function metricOf({ metricsPort = 0 }: MeasuredServer, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1];
  if (value === undefined) throw new Error(`there is no metric ${name}`);
  return Number(value);
}
