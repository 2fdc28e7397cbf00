import { resolve } from "node:path";
import { Child, REPO } from "../../../bench/processes/child.js";
import { INSPECTED, inspectorUrlOf } from "../../../bench/processes/inspector.js";
import type { Certificate } from "../../integration/listener/certificates.js";
import type { Target } from "../attack-class.js";
import { MemoryProbe } from "./memory-probe.js";
import { inOwnSession, putFirst } from "./priority.js";

export type Contestant = "service" | "peer";

const SERVICE_SETTINGS = {
  CATALOG_FILE: resolve(REPO, "examples/catalog.yaml"),
  LISTEN_HOST: "127.0.0.1",
  GRPC_PORT: "0",
  METRICS_PORT: "0",
  PORT: "0",
  // What is cached is bounded, and not taken for what an attack leaves.
  CACHE_MAX_SIZE_BYTES: "1000000",
  SHUTDOWN_LINGER_MS: "0",
  START_MESSAGE: "json",
};

/** A server that was started to be attacked: the service as it is built, or its peer. */
export class AttackedServer {
  readonly target: Target;
  readonly memory: MemoryProbe;
  readonly process: Child;

  private constructor(server: Child, target: Target, inspectorUrl: string) {
    this.process = server;
    this.target = target;
    this.memory = new MemoryProbe(server.pid, inspectorUrl);
  }

  /** @throws Error where the server does not start */
  static async start(
    contestant: Contestant,
    node: string,
    { certFile, keyFile }: Certificate,
  ): Promise<AttackedServer> {
    const server =
      contestant === "service"
        ? new Child(inOwnSession([node, INSPECTED, resolve(REPO, "dist/bootstrap/cli.js"), "serve"]), {
            core: "any",
            env: { ...SERVICE_SETTINGS, TLS_CERT_FILE: certFile, TLS_KEY_FILE: keyFile },
          })
        : new Child(inOwnSession([node, INSPECTED, resolve(import.meta.dirname, "peer.js"), certFile, keyFile]), {
            core: "any",
            hasChannel: true,
          });
    const [target, inspectorUrl] = await Promise.all([
      contestant === "service" ? serviceTarget(server) : (server.message() as Promise<Target>),
      inspectorUrlOf(server),
    ]);
    putFirst(server.pid);
    return new AttackedServer(server, target, inspectorUrl);
  }

  /** How the server ended: an exit code or a signal; undefined while it runs. */
  get ended(): string | undefined {
    const { exitCode, signalCode } = this.process.process;
    return exitCode === null && signalCode === null ? undefined : String(exitCode ?? signalCode);
  }

  async stop(): Promise<void> {
    await this.process.stop();
  }
}

async function serviceTarget(server: Child): Promise<Target> {
  const [line] = await server.printed(/^\{.*"grpcPort".*\}$/m);
  const { grpcPort, tlsPort } = JSON.parse(line) as { readonly grpcPort: number; readonly tlsPort: number };
  return { http2Port: grpcPort, http1Port: grpcPort, tlsPort };
}
