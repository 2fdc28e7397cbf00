import { type DescMethodUnary, fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { type ConformanceClient, describeConformance, type Outcome } from "./harness/run-calls.js";

describeConformance("@grpc/grpc-js", ({ port }): ConformanceClient => {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return { call: (method, request) => unary(client, method, request), close: () => client.close() };
});

function unary(client: Client, { name, input, output }: DescMethodUnary, request: JsonObject): Promise<Outcome> {
  return new Promise((resolve) => {
    let source: string | undefined;
    const call = client.makeUnaryRequest(
      `/${SidecarService.typeName}/${name}`,
      (json: JsonObject) => Buffer.from(toBinary(input, fromJson(input, json))),
      (bytes) => toJson(output, fromBinary(output, bytes)),
      request,
      new Metadata(),
      (error: ServiceError | null, response) => {
        if (error !== null) resolve({ code: status[error.code].toLowerCase(), message: error.details });
        else resolve({ code: undefined, response: response ?? null, source });
      },
    );
    call.on("metadata", (metadata: Metadata) => (source = metadata.get("x-entitlement-source")[0]?.toString()));
  });
}
