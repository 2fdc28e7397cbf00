import { describe, expect, it } from "@jest/globals";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";
import { describeAccess, isOpenToAll } from "../../../../src/bootstrap/sidecar/access.js";
import { startMessage, startText } from "../../../../src/bootstrap/sidecar/start-message.js";

const OFFLINE = { OFFLINE: "true" };
const TLS = { ...OFFLINE, TLS_CERT_FILE: "c", TLS_KEY_FILE: "k" };
const MUTUAL = { ...TLS, TLS_CLIENT_CA_FILE: "ca" };

describe("the start says who may ask", () => {
  it.each<[Readonly<Record<string, string>>, isOpen: boolean, said: string]>([
    [OFFLINE, true, "anybody who reaches it: AUTH_TOKENS_FILE, TLS_CLIENT_CA_FILE and RATE_LIMIT restrict that"],
    [{ ...OFFLINE, LISTEN_HOST: "0.0.0.0" }, true, "anybody who reaches it: "],
    [{ ...OFFLINE, LISTEN_HOST: "10.0.0.1" }, true, "anybody who reaches it: "],
    [TLS, true, "anybody who reaches it: "],
    [{ ...OFFLINE, LISTEN_HOST: "127.0.0.1" }, false, "this machine alone"],
    [{ ...OFFLINE, LISTEN_HOST: "::1", RATE_LIMIT: "7" }, false, "this machine alone, 7 calls a second each"],
    [{ ...OFFLINE, RATE_LIMIT: "7" }, false, "anybody who reaches it, 7 calls a second each"],
    [{ ...OFFLINE, AUTH_TOKENS_FILE: "tokens.yaml" }, false, "who has a token or client certificate of tokens.yaml"],
    [MUTUAL, false, "by TLS who has a client certificate, without TLS anybody who reaches GRPC_PORT"],
    [
      { ...MUTUAL, AUTH_TOKENS_FILE: "tokens.yaml", RATE_LIMIT: "7" },
      false,
      "who has a token or client certificate of tokens.yaml, 7 calls a second each",
    ],
  ])("with %j", (environment, isOpen, said) => {
    const { config } = loadConfig(environment);
    expect(isOpenToAll(config)).toBe(isOpen);
    expect(describeAccess(config).startsWith(said)).toBe(true);
    const source = { description: "offline", example: { customerId: "c", featureId: "f" } };
    const message = startMessage(config, { grpcPort: 1, metricsPort: 2, tlsPort: undefined }, source, undefined);
    expect(message.access).toBe(describeAccess(config));
    expect(startText(config, message)).toContain(`  access   ${message.access}\n`);
  });

  it("and where health is, on the address of METRICS_HOST", () => {
    const { config } = loadConfig({
      ...OFFLINE,
      LISTEN_HOST: "10.0.0.1",
      METRICS_HOST: "127.0.0.1",
      GRPC_PORT: "8080",
      METRICS_PORT: "8080",
    });
    const message = startMessage(
      config,
      { grpcPort: 8080, metricsPort: 8080, tlsPort: undefined },
      { description: "offline", example: { customerId: "c", featureId: "f" } },
      undefined,
    );
    expect(startText(config, message)).toContain("  health   http://127.0.0.1:8080/readyz");
  });
});
