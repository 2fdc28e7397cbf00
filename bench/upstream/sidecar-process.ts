import { ServiceProcess } from "../../test/integration/service/service-process.js";

export interface SidecarProcess {
  readonly grpcPort: number;
  stop(): Promise<void>;
}

/** The built sidecar in a process of its own, with its default configuration, on an emulated upstream. */
export async function startSidecarProcess(url: string, wsUrl: string, apiKey: string): Promise<SidecarProcess> {
  const sidecar = new ServiceProcess(["serve"], {
    SERVER_API_KEY: apiKey,
    API_URL: url,
    EDGE_API_URL: url,
    WS_URL: wsUrl,
    LISTEN_HOST: "127.0.0.1",
    GRPC_PORT: "0",
    METRICS_PORT: "0",
    SHUTDOWN_LINGER_MS: "0",
    START_MESSAGE: "json",
  });
  const { grpcPort } = await sidecar.started();
  return {
    grpcPort,
    async stop() {
      sidecar.child.kill("SIGTERM");
      await sidecar.ended;
    },
  };
}
