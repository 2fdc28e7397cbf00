import { isIP, isIPv6 } from "node:net";
import { boolean, filePath, integer, type Parser, text, visibleCharacters } from "./parsers.js";
import { optional, type Setting, setting, withDefault } from "./setting.js";

const ONE_DAY_MS = 86_400_000;

/** Entries separated by commas, each once, in lower case. */
function list(allowed: string, isEntry: (entry: string) => boolean): Parser<readonly string[]> {
  return {
    allowed,
    parse(given) {
      const entries = given.split(",").map((entry) => entry.trim().toLowerCase());
      const wrong = entries.find((entry) => entry !== "*" && !isEntry(entry));
      if (wrong?.includes("*") === true)
        return { ok: false, hint: `${JSON.stringify(wrong)} has a wildcard: name each one, or write * alone for any` };
      if (wrong !== undefined) return { ok: false, hint: `${JSON.stringify(wrong)} is none` };
      if (entries.includes("*") && entries.length > 1)
        return { ok: false, hint: "* allows everything: write it alone, or remove it" };
      return { ok: true, value: [...new Set(entries)] };
    },
  };
}

const HOST_NAME = /^(?=.{1,253}$)[a-z\d_](?:[a-z\d_-]*[a-z\d_])?(?:\.[a-z\d_](?:[a-z\d_-]*[a-z\d_])?)*\.?$/;

const hosts = list(
  "host names or IP addresses, separated by commas, without ports; or * for any",
  (entry) => isIP(entry.replace(/^\[(.*)\]$/, "$1")) !== 0 || HOST_NAME.test(entry),
);

const origins = list("origins such as https://app.example.com, separated by commas; or * for any", (entry) =>
  /^[a-z][a-z\d+.-]*:\/\/(?:\[[\da-f:.]+\]|[^\s/?#@:*[\]]+)(?::\d{1,5})?$/.test(entry),
);

/** An address of this machine, or a name of one, to listen on; its port apart. An IPv6 address also in brackets. */
export const listenHost: Parser<string> = {
  allowed: "an IP address of this machine, or a host name, without a port",
  parse(given) {
    const address = given.replace(/^\[(.*)\]$/, "$1");
    if (isIPv6(address)) return { ok: true, value: address };
    if (given === "*") return { ok: false, hint: "leave it out to listen on all addresses" };
    if (/[\s:/@,[\]]/.test(given))
      return { ok: false, hint: "ports have variables of their own: GRPC_PORT, PORT and METRICS_PORT" };
    return text.parse(given);
  },
};

/** Who may ask what, and how much. Nothing of it is on unless it is asked for. */
export const ACCESS_SETTINGS = {
  authTokensFile: optional("AUTH_TOKENS_FILE", filePath, {
    description:
      "who may call: a YAML or JSON list of {name, sha256 (of a bearer token) or certificate (common name of a client certificate), groups (all, or a list of check, report, reload, health, reflection)}; read again when it changes",
    defaultText: "anybody may",
  }),
  rateLimit: optional("RATE_LIMIT", integer({ min: 1, max: 10_000_000, unit: "calls a second" }), {
    description:
      "calls a second of one caller (a token, a client certificate, else an address), with a burst of one second; more fail with RESOURCE_EXHAUSTED",
  }),
  allowedHosts: optional("ALLOWED_HOSTS", hosts, {
    description: "hosts that requests may name, separated by commas, without ports (against DNS rebinding); *: any",
    defaultText: "localhost, IP addresses and names without a dot where LISTEN_HOST is a loopback address, else any",
  }),
  corsAllowedOrigins: setting("CORS_ALLOWED_ORIGINS", origins, (): readonly string[] => [], {
    description: "origins whose web pages may call by gRPC-web and Connect, separated by commas; *: any",
  }),
  reflectionEnabled: withDefault("REFLECTION_ENABLED", boolean, true, { description: "serve gRPC reflection" }),
  metricsHost: optional("METRICS_HOST", listenHost, {
    description: "address on which health and metrics listen",
    defaultText: "LISTEN_HOST",
  }),
  opsToken: optional("OPS_TOKEN", visibleCharacters, {
    description:
      "bearer token for what the metrics port tells of customers and of the configuration (/explain, /decisions, the inspector, all of /status)",
    defaultText: "none; this machine alone may ask",
    isSecret: true,
  }),
  maxConnectionAgeMs: withDefault(
    "MAX_CONNECTION_AGE_MS",
    integer({ min: 0, max: 30 * ONE_DAY_MS, unit: "milliseconds" }),
    0,
    {
      description:
        "after so long, give or take a tenth, a connection is asked to go, so that balanced clients spread again, milliseconds; 0: never",
    },
  ),
  maxItemsPerRequest: withDefault("MAX_ITEMS_PER_REQUEST", integer({ min: 1, max: 1_000_000 }), 1_000, {
    description: "usages or events in one request",
  }),
  maxJsonDepth: withDefault("MAX_JSON_DEPTH", integer({ min: 4, max: 1_000 }), 32, {
    description: "how deep the JSON of a request may be nested",
  }),
} as const satisfies Record<string, Setting<unknown>>;

/**
 * The host of a URL at which a client on this machine reaches what listens.
 *
 * @param host as LISTEN_HOST has it; undefined: all addresses
 */
export function reachableHost(host: string | undefined): string {
  if (host === undefined || host === "0.0.0.0" || host === "::") return "localhost";
  return host.includes(":") ? `[${host}]` : host;
}
