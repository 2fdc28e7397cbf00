import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ChannelOptions, Client, type ClientUnaryCall, credentials, type ServiceError } from "@grpc/grpc-js";
import { SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

const { input, output } = SidecarService.method.getBooleanEntitlement;
const PATH = "/stigg.sidecar.v1.SidecarService/GetBooleanEntitlement";
const REQUEST = Buffer.from(toBinary(input, create(input, { customerId: "acme", featureId: "sso" })));

export interface Check {
  readonly call: ClientUnaryCall;
  /** "OK", "DENIED", or the status by number and text. */
  readonly outcome: Promise<string>;
}

/** A client of grpc-js that makes one kind of check. */
export class GrpcJsCalls {
  readonly #client: Client;

  constructor(target: string, options: ChannelOptions = {}) {
    this.#client = new Client(target, credentials.createInsecure(), options);
  }

  check(deadlineMs = 30_000): Check {
    let settle: (outcome: string) => void = () => undefined;
    const outcome = new Promise<string>((resolve) => (settle = resolve));
    const answered = (error: ServiceError | null, answer?: Buffer) => {
      if (error !== null) settle(`${error.code} ${error.details}`);
      else settle(answer !== undefined && fromBinary(output, answer).hasAccess ? "OK" : "DENIED");
    };
    const call = this.#client.makeUnaryRequest(
      PATH,
      (request: Buffer) => request,
      (bytes) => bytes,
      REQUEST,
      { deadline: Date.now() + deadlineMs },
      answered,
    );
    return { call, outcome };
  }

  close(): void {
    this.#client.close();
  }
}

/** How often each outcome was. */
export function counted(outcomes: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}
