import { type Environment, readSettings } from "../../config/read-settings.js";
import { reachableHost } from "../../config/settings/access-settings.js";
import { SETTINGS } from "../../config/settings/settings.js";
import { StartError } from "../../process/start-error.js";
import { UsageError } from "../parse-command-line.js";

const { grpcPort, host, port, tlsCertFile, tlsKeyFile } = SETTINGS;

/** Of the settings that say where the service listens. */
const LISTENING = {
  settings: { grpcPort, host, port, tlsCertFile, tlsKeyFile },
  rules: [],
  unused: [
    {
      settings: ["port"] as const,
      decidedBy: ["tlsCertFile"] as const,
      reason: (config: { readonly tlsCertFile: string | undefined }) =>
        config.tlsCertFile === undefined ? "there is no certificate" : undefined,
    },
  ],
};

export interface ServiceAddress {
  readonly baseUrl: string;
  /** What it follows from: "GRPC_PORT=8000". */
  readonly origin: string;
}

/**
 * Where a service listens that is started in the same environment.
 *
 * @throws UsageError where the environment does not say
 */
export function serviceAddress(environment: Environment): ServiceAddress {
  const config = listeningIn(environment);
  const at = reachableHost(config.host);
  const fromHost = config.host === undefined ? "" : `, ${host.name}=${config.host}`;
  if (config.grpcPort !== 0)
    return {
      baseUrl: `http://${at}:${config.grpcPort}`,
      origin: `${originOf(grpcPort.name, config.grpcPort, environment)}${fromHost}`,
    };
  if (config.tlsCertFile !== undefined && config.tlsKeyFile !== undefined && config.port !== 0) {
    return {
      baseUrl: `https://${at}:${config.port}`,
      origin: `${originOf(port.name, config.port, environment)}${fromHost}`,
    };
  }
  throw new UsageError(
    `${grpcPort.name} is 0, so the service listens on any free port: name its address with --address host:port`,
  );
}

function listeningIn(environment: Environment) {
  try {
    return readSettings(LISTENING, environment).config;
  } catch (error) {
    if (error instanceof StartError)
      throw new UsageError(`${error.message}\nMend it, or name the service's address with --address host:port`);
    throw error;
  }
}

function originOf(name: string, value: number, environment: Environment): string {
  return (environment[name] ?? "").trim() === "" ? `${name} is not set, so ${value}` : `${name}=${value}`;
}
