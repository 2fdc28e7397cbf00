import { createFileRegistry, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, createClient } from "@connectrpc/connect";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  ServerReflection,
  type ServerReflectionRequestSchema,
} from "../../src/adapters/rpc/gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../../src/adapters/rpc/gen/grpc/reflection/v1alpha/reflection_pb.js";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { GATE } from "./harness/every-path.js";
import { type RpcServer, startRpcServer } from "./harness/rpc-server.js";

type Question = MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"];

const SIDECAR = "stigg/sidecar/v1/sidecar.proto";
const symbol = (value: string): Question => ({ case: "fileContainingSymbol", value });

describe.each([
  ["v1", ServerReflection],
  ["v1alpha", ServerReflectionAlpha],
])("reflection %s", (_, service) => {
  let server: RpcServer;
  beforeAll(async () => {
    server = await startRpcServer();
  });
  afterAll(() => server.stop());

  async function ask(...questions: Question[]) {
    return askOf(server, ...questions);
  }

  async function askOf({ url }: RpcServer, ...questions: Question[]) {
    const client = createClient(service as typeof ServerReflection, createGrpcTransport({ baseUrl: url }));
    const answers = [];
    const requests = createAsyncIterable(
      questions.map((messageRequest) => ({ host: "here", ...(messageRequest && { messageRequest }) })),
    );
    for await (const answer of client.serverReflectionInfo(requests)) {
      expect(answer).toMatchObject({ validHost: "here", originalRequest: { host: "here" } });
      answers.push(answer.messageResponse);
    }
    return answers;
  }

  test("tells of what gateways ask where they are answered", async () => {
    const open = await startRpcServer({ rpc: { gate: GATE } });
    const [services, file] = await askOf(
      open,
      { case: "listServices", value: "*" },
      symbol("envoy.service.auth.v3.Authorization.Check"),
    );
    await open.stop();
    expect(services?.value).toMatchObject({
      service: expect.arrayContaining([expect.objectContaining({ name: "envoy.service.auth.v3.Authorization" })]),
    });
    expect(file).toMatchObject({ case: "fileDescriptorResponse" });
  });

  test("answers every question of a stream, in order", async () => {
    const [services, file, nothing] = await ask(
      { case: "listServices", value: "*" },
      { case: "fileByFilename", value: SIDECAR },
      symbol("no.Such"),
    );
    expect(services).toMatchObject({
      case: "listServicesResponse",
      value: {
        service: [
          { name: "stigg.sidecar.v1.SidecarService" },
          { name: "grpc.health.v1.Health" },
          { name: "grpc.reflection.v1.ServerReflection" },
          { name: "grpc.reflection.v1alpha.ServerReflection" },
        ],
      },
    });
    expect(file).toMatchObject({ case: "fileDescriptorResponse" });
    expect(nothing).toMatchObject({
      case: "errorResponse",
      value: { errorCode: Code.NotFound, errorMessage: 'there is no symbol "no.Such"' },
    });
  });

  test("a file comes first, with all that it imports: enough to call every method", async () => {
    const [answer] = await ask({ case: "fileByFilename", value: SIDECAR });
    if (answer?.case !== "fileDescriptorResponse") throw new Error("no file");
    const files = answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
    expect(files.map(({ name }) => name)).toEqual([
      SIDECAR,
      "google/protobuf/empty.proto",
      "google/protobuf/struct.proto",
      "google/protobuf/timestamp.proto",
    ]);
    const registry = createFileRegistry(files[0]!, (path) => files.find(({ name }) => name === path));
    const methods = registry.getService(SidecarService.typeName)?.methods.map(({ name }) => name);
    expect(methods).toEqual(SidecarService.methods.map(({ name }) => name));
  });

  test.each([
    ["a service", "stigg.sidecar.v1.SidecarService", SIDECAR],
    ["a method", "stigg.sidecar.v1.SidecarService.GetEntitlement", SIDECAR],
    ["a message", "stigg.sidecar.v1.EntitlementV2", SIDECAR],
    ["a field", "stigg.sidecar.v1.EntitlementV2.has_access", SIDECAR],
    ["a oneof", "stigg.sidecar.v1.EntitlementV2.entitlement", SIDECAR],
    ["an enum", "stigg.sidecar.v1.MeterType", SIDECAR],
    ["an enum's value", "stigg.sidecar.v1.METER_TYPE_NONE", SIDECAR],
    ["a nested enum's value", "grpc.health.v1.HealthCheckResponse.SERVING", "grpc/health/v1/health.proto"],
    ["an import", "google.protobuf.Timestamp", "google/protobuf/timestamp.proto"],
  ])("finds the file of %s", async (_, name, path) => {
    const [answer] = await ask(symbol(name));
    if (answer?.case !== "fileDescriptorResponse") throw new Error("no file");
    expect(fromBinary(FileDescriptorProtoSchema, answer.value.fileDescriptorProto[0]!).name).toBe(path);
  });

  test.each<[string, Question, object]>([
    ["a file that is not here", { case: "fileByFilename", value: "no/such.proto" }, { errorCode: Code.NotFound }],
    [
      "an extension",
      { case: "fileContainingExtension", value: { containingType: "stigg.sidecar.v1.Event", extensionNumber: 7 } },
      { errorCode: Code.NotFound },
    ],
    [
      "the extensions of no message",
      { case: "allExtensionNumbersOfType", value: "no.Such" },
      { errorCode: Code.NotFound },
    ],
    ["nothing", undefined, { errorCode: Code.InvalidArgument }],
  ])("has an error for %s, and the stream goes on", async (_, question, error) => {
    const [first, second] = await ask(question, symbol("stigg.sidecar.v1.Event"));
    expect(first).toMatchObject({ case: "errorResponse", value: error });
    expect(second).toMatchObject({ case: "fileDescriptorResponse" });
  });

  test("a message without extensions has no numbers", async () => {
    const [answer] = await ask({ case: "allExtensionNumbersOfType", value: "stigg.sidecar.v1.Event" });
    expect(answer).toMatchObject({
      case: "allExtensionNumbersResponse",
      value: { baseTypeName: "stigg.sidecar.v1.Event", extensionNumber: [] },
    });
  });
});

test("a stream that its caller keeps open does not keep the server from stopping", async () => {
  const server = await startRpcServer();
  const client = createClient(ServerReflection, createGrpcTransport({ baseUrl: server.url }));
  const caller = new AbortController();
  const requests = (async function* () {
    yield { messageRequest: symbol("stigg.sidecar.v1.Event")! };
    await new Promise((resolve) => caller.signal.addEventListener("abort", resolve));
  })();
  const answers = client.serverReflectionInfo(requests)[Symbol.asyncIterator]();
  await answers.next();
  const end = answers.next();
  end.catch(() => undefined);
  await server.stop(60_000);
  await expect(end).rejects.toMatchObject({ code: Code.Unavailable });
  caller.abort();
});
