import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, type Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  GetMeteredEntitlementRequestSchema,
  GetMeteredEntitlementResponseSchema,
  SidecarService,
} from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";

const PATH = `/${SidecarService.typeName}/${SidecarService.method.getMeteredEntitlement.name}`;

export interface CheckAnswer {
  readonly usageLimit: number | undefined;
  readonly currentUsage: number | undefined;
  /** Its x-entitlement-source. */
  readonly source: string;
}

/** A gRPC client that checks one metered feature of any customer. */
export class GrpcChecks {
  readonly #client: Client;
  readonly #featureId: string;

  constructor(port: number, featureId: string) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    this.#featureId = featureId;
  }

  /** Rejects where the call fails. */
  check(customerId: string): Promise<CheckAnswer> {
    return new Promise((resolve, reject) => {
      let source = "none";
      const call = this.#client.makeUnaryRequest(
        PATH,
        (id: string) =>
          Buffer.from(
            toBinary(
              GetMeteredEntitlementRequestSchema,
              create(GetMeteredEntitlementRequestSchema, { customerId: id, featureId: this.#featureId }),
            ),
          ),
        (bytes) => fromBinary(GetMeteredEntitlementResponseSchema, bytes).entitlement,
        customerId,
        (error: ServiceError | null, entitlement) => {
          if (error === null)
            resolve({ usageLimit: entitlement?.usageLimit, currentUsage: entitlement?.currentUsage, source });
          else reject(error);
        },
      );
      call.on(
        "metadata",
        (metadata: Metadata) => (source = metadata.get("x-entitlement-source")[0]?.toString() ?? "none"),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}
