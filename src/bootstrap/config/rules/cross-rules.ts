import { EXT_AUTHZ_RULES } from "../settings/ext-authz-settings.js";
import { REDIS_RULES } from "../settings/redis-settings.js";
import type { Config } from "../settings/settings.js";
import type { CrossRule } from "./cross-rule.js";
import { LOG_RULES } from "./log-rules.js";

/** What the sidecar demands of several settings together. */
export const CROSS_RULES: readonly CrossRule<Config>[] = [
  ...REDIS_RULES,
  {
    about: ["serverApiKey", "catalogFile", "offline"],
    fault: ({ serverApiKey, catalogFile, offline }) => {
      if (offline || catalogFile !== undefined || serverApiKey !== undefined) return undefined;
      return "no source of entitlements: set SERVER_API_KEY to the environment's server API key, or CATALOG_FILE to a catalog (for example examples/catalog.yaml), or OFFLINE=true to answer from the fallbacks alone";
    },
  },
  {
    about: ["catalogFile", "offline"],
    fault: ({ catalogFile, offline }) =>
      offline && catalogFile !== undefined
        ? "CATALOG_FILE and OFFLINE exclude each other: offline, checks answer from the fallbacks alone. Remove one of the two"
        : undefined,
  },
  {
    about: ["catalogFile", "catalogStateFile"],
    fault: ({ catalogFile, catalogStateFile }) =>
      catalogStateFile !== undefined && catalogFile === undefined
        ? "CATALOG_STATE_FILE is set without CATALOG_FILE: it keeps the usage that is counted for a catalog. Set CATALOG_FILE too"
        : undefined,
  },
  {
    about: ["catalogFile", "catalogStateFile"],
    fault: ({ catalogFile, catalogStateFile }) =>
      catalogFile !== undefined && catalogFile === catalogStateFile
        ? "CATALOG_FILE and CATALOG_STATE_FILE name the same file: the state would overwrite the catalog"
        : undefined,
  },
  {
    about: ["tlsCertFile", "tlsKeyFile"],
    fault: ({ tlsCertFile, tlsKeyFile }) => {
      if ((tlsCertFile === undefined) === (tlsKeyFile === undefined)) return undefined;
      const [given, missing] =
        tlsCertFile === undefined ? ["TLS_KEY_FILE", "TLS_CERT_FILE"] : ["TLS_CERT_FILE", "TLS_KEY_FILE"];
      return `${given} is set without ${missing}: TLS needs both`;
    },
  },
  {
    about: ["tlsSelfSigned", "tlsCertFile"],
    fault: ({ tlsSelfSigned, tlsCertFile }) =>
      tlsSelfSigned && tlsCertFile !== undefined
        ? "TLS_SELF_SIGNED and TLS_CERT_FILE exclude each other: one certificate is served. Remove one of the two"
        : undefined,
  },
  {
    about: ["tlsClientCaFile", "tlsCertFile", "tlsKeyFile"],
    fault: ({ tlsClientCaFile, tlsCertFile, tlsKeyFile }) =>
      tlsClientCaFile !== undefined && tlsCertFile === undefined && tlsKeyFile === undefined
        ? "TLS_CLIENT_CA_FILE is set without TLS_CERT_FILE and TLS_KEY_FILE: clients that show a certificate have to verify the server's, too"
        : undefined,
  },
  {
    about: ["grpcPort", "metricsPort", "port", "tlsCertFile", "tlsSelfSigned", "host", "metricsHost"],
    fault: sharedPort,
  },
  {
    about: ["healthEndpointUrl", "readyEndpointUrl"],
    fault: ({ healthEndpointUrl, readyEndpointUrl }) => {
      if (healthEndpointUrl === "metrics") return 'HEALTH_ENDPOINT_URL is "metrics": that path is taken';
      if (readyEndpointUrl === "metrics") return 'READY_ENDPOINT_URL is "metrics": that path is taken';
      return healthEndpointUrl === readyEndpointUrl
        ? `HEALTH_ENDPOINT_URL and READY_ENDPOINT_URL are both "${healthEndpointUrl}": they answer differently, so each needs a path of its own`
        : undefined;
    },
  },
  {
    about: ["drillsEnabled", "opsToken"],
    fault: ({ drillsEnabled, opsToken }) =>
      drillsEnabled && opsToken === undefined
        ? "DRILLS_ENABLED is set without OPS_TOKEN: only who has that token may begin a drill. Set OPS_TOKEN too"
        : undefined,
  },
  ...EXT_AUTHZ_RULES,
  ...LOG_RULES,
];

function sharedPort({
  grpcPort,
  metricsPort,
  port,
  tlsCertFile,
  tlsSelfSigned,
  host,
  metricsHost,
}: Config): string | undefined {
  const taken = new Map<number, string>();
  const listeners: [name: string, port: number][] = [["GRPC_PORT", grpcPort]];
  const isApart = host !== undefined && metricsHost !== undefined && host !== metricsHost;
  if (!isApart) listeners.push(["METRICS_PORT", metricsPort]);
  if (tlsCertFile !== undefined || tlsSelfSigned) listeners.push(["PORT", port]);
  for (const [name, number] of listeners) {
    const other = taken.get(number);
    if (number !== 0 && other !== undefined)
      return `${other} and ${name} are both ${number}: each listener needs a port of its own`;
    taken.set(number, name);
  }
  return undefined;
}
