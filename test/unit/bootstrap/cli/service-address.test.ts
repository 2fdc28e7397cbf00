import { describe, expect, it } from "@jest/globals";
import { serviceAddress } from "../../../../src/bootstrap/cli/commands/service-address.js";
import { HELP } from "../../../../src/bootstrap/cli/help.js";
import { UsageError } from "../../../../src/bootstrap/cli/parse-command-line.js";
import type { Environment } from "../../../../src/bootstrap/config/read-settings.js";
import { SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";

const TLS = { TLS_CERT_FILE: "cert.pem", TLS_KEY_FILE: "key.pem" };

describe("where check asks", () => {
  it.each<[environment: Environment, baseUrl: string, origin: string]>([
    [{}, "http://localhost:80", "GRPC_PORT is not set, so 80"],
    [{ GRPC_PORT: " " }, "http://localhost:80", "GRPC_PORT is not set, so 80"],
    [{ GRPC_PORT: "50051" }, "http://localhost:50051", "GRPC_PORT=50051"],
    [
      { GRPC_PORT: " 50051 ", LISTEN_HOST: "127.0.0.2" },
      "http://127.0.0.2:50051",
      "GRPC_PORT=50051, LISTEN_HOST=127.0.0.2",
    ],
    [{ LISTEN_HOST: "::1" }, "http://[::1]:80", "GRPC_PORT is not set, so 80, LISTEN_HOST=::1"],
    [{ LISTEN_HOST: "0.0.0.0" }, "http://localhost:80", "GRPC_PORT is not set, so 80, LISTEN_HOST=0.0.0.0"],
    [{ PORT: "tcp://10.0.0.1:1" }, "http://localhost:80", "GRPC_PORT is not set, so 80"],
    [{ ...TLS, GRPC_PORT: "0" }, "https://localhost:8443", "PORT is not set, so 8443"],
    [{ ...TLS, GRPC_PORT: "0", PORT: "9443" }, "https://localhost:9443", "PORT=9443"],
  ])("in %j is where serve listens", (environment, baseUrl, origin) => {
    expect(serviceAddress(environment)).toEqual({ baseUrl, origin });
    const { grpcPort, port } = loadConfig({ OFFLINE: "1", ...environment }).config;
    expect(Number(new URL(baseUrl).port || 80)).toBe(grpcPort === 0 ? port : grpcPort);
  });

  it.each<[environment: Environment, fault: RegExp]>([
    [{ GRPC_PORT: "0" }, /GRPC_PORT is 0.*--address/],
    [{ GRPC_PORT: "0", ...TLS, PORT: "0" }, /GRPC_PORT is 0.*--address/],
    [{ GRPC_PORT: "tcp://10.0.0.1:80" }, /GRPC_PORT: "tcp:[^]*enableServiceLinks[^]*--address/],
  ])("in %j is not known", (environment, fault) => {
    expect(() => serviceAddress(environment)).toThrow(UsageError);
    expect(() => serviceAddress(environment)).toThrow(fault);
  });

  it("is in the help as it is in the settings", () => {
    expect(HELP).toContain(`GRPC_PORT (else ${SETTINGS.grpcPort.defaultText}) of LISTEN_HOST (else localhost)`);
  });
});
