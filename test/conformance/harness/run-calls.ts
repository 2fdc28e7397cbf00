import { type DescMessage, fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { SidecarService } from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { CONFORMANCE_CALLS, type ConformanceCall } from "./calls.js";
import { type RpcServer, startRpcServer } from "./rpc-server.js";

export type Method = (typeof SidecarService.method)[ConformanceCall["method"]];

/** What a client saw of one call. */
export type Outcome =
  | { readonly code: string; readonly message: string }
  | { readonly code: undefined; readonly response: JsonValue; readonly source: string | undefined };

/** A client of the service, whatever it is written in. */
export interface ConformanceClient {
  call(method: Method, request: JsonObject): Promise<Outcome>;
  close?(): void;
}

const KNOWN = ["memory", "upstream"];

/** Has a client make every call of the table on a server of its own. */
export function describeConformance(
  client: string,
  connect: (server: RpcServer) => ConformanceClient | Promise<ConformanceClient>,
  calls: readonly ConformanceCall[] = CONFORMANCE_CALLS,
): void {
  describe(client, () => {
    let server: RpcServer;
    let connected: ConformanceClient;
    beforeAll(async () => {
      server = await startRpcServer();
      connected = await connect(server);
    });
    afterAll(async () => {
      connected.close?.();
      await server.stop();
    });

    test.each(calls)("$method: $name", async ({ method, request, code, message, response, source }) => {
      const descriptor = SidecarService.method[method];
      const outcome = await connected.call(descriptor, request);
      if (outcome.code !== undefined) {
        expect(outcome).toEqual({ code, message: expect.stringContaining(message ?? "an answer, not a failure") });
        return;
      }
      expect(normal(descriptor.output, outcome.response)).toEqual(response);
      if (source === "known") expect(KNOWN).toContain(outcome.source);
      else expect(outcome.source).toBe(source);
    });
  });
}

/** Clients differ in what they leave out. */
function normal(message: DescMessage, json: JsonValue): JsonValue {
  return toJson(message, fromJson(message, json));
}
