import type { CacheLayer } from "../cache/cache-layer.js";
import { reachableHost } from "../config/settings/access-settings.js";
import type { Config } from "../config/settings/settings.js";
import { packageVersion } from "../package-version.js";
import type { Source } from "../source/source.js";
import { describeAccess } from "./access.js";
import type { Listening } from "./sidecar.js";

/** What whoever starts the service wants to know, as one value for collectors and as text for people. */
export interface StartMessage {
  readonly address: string;
  readonly grpcPort: number;
  readonly metricsPort: number;
  readonly tlsPort: number | undefined;
  /** Of the certificate that was made at the start. */
  readonly tlsFingerprint?: string | undefined;
  readonly source: string;
  /** Where states are kept, where that is not this process alone. */
  readonly cache: string | undefined;
  /** Who may ask. */
  readonly access: string;
  /** The inspector's page, where it is served. */
  readonly inspector: string | undefined;
  /** A command that asks the service something it can answer. */
  readonly try: string;
}

export function startMessage(
  config: Config,
  listening: Listening,
  source: Pick<Source, "description" | "example">,
  cache: Pick<CacheLayer, "description"> | undefined,
): StartMessage {
  const host = reachableHost(config.host);
  const address = `http://${host}:${listening.grpcPort}`;
  const { customerId, featureId } = source.example;
  const body = JSON.stringify({ customerId, featureId });
  return {
    address,
    ...listening,
    source: source.description,
    cache: cache?.description,
    access: describeAccess(config),
    inspector: config.inspectorEnabled
      ? `http://${reachableHost(config.metricsHost ?? config.host)}:${listening.metricsPort}/inspector`
      : undefined,
    try: `curl -H 'content-type: application/json' -d ${shellQuoted(body)} ${address}/stigg.sidecar.v1.SidecarService/GetEntitlement`,
  };
}

export function startText(config: Config, message: StartMessage): string {
  const host = reachableHost(config.host);
  const opsHost = reachableHost(config.metricsHost ?? config.host);
  const tls = message.tlsPort === undefined ? [] : [`  tls      https://${host}:${message.tlsPort}`];
  if (message.tlsFingerprint !== undefined) tls.push(`  self-signed, SHA-256 ${message.tlsFingerprint}`);
  return [
    `entitlement-sidecar ${packageVersion()} answers checks`,
    `  address  ${message.address}  (gRPC, gRPC-web and Connect)`,
    ...tls,
    `  source   ${message.source}`,
    ...(message.cache === undefined ? [] : [`  cache    ${message.cache}`]),
    `  access   ${message.access}`,
    `  health   http://${opsHost}:${message.metricsPort}/${config.readyEndpointUrl}  (metrics: /metrics)`,
    ...(message.inspector === undefined ? [] : [`  inspect  ${message.inspector}`]),
    `  try      ${message.try}`,
    "",
  ].join("\n");
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
