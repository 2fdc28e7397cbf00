// May customer-demo add three seats, and how much is left?
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { AccessDeniedReason, SidecarService } from "./gen/stigg/sidecar/v1/sidecar_pb.js";

const [address = "http://localhost:50051"] = process.argv.slice(2);
const sidecar = createClient(SidecarService, createGrpcTransport({ baseUrl: address, defaultTimeoutMs: 10_000 }));
const customerId = "customer-demo";

const seats = await sidecar.getMeteredEntitlement({ customerId, featureId: "seats", options: { requestedUsage: 3 } });
console.log(
  `seats: granted=${seats.hasAccess} used=${seats.entitlement?.currentUsage} limit=${seats.entitlement?.usageLimit}`,
);

const sso = await sidecar.getBooleanEntitlement({ customerId, featureId: "sso" });
console.log(`sso: granted=${sso.hasAccess} reason=${AccessDeniedReason[sso.accessDeniedReason ?? 0]}`);

// The same report under the same key counts once, however often it is sent.
const report = { customerId, featureId: "storage-gb", value: 1 };
await sidecar.reportUsage(report, { headers: { "idempotency-key": "node-1" } });
const answer = await sidecar.reportUsage(report, { headers: { "idempotency-key": "node-1" } });
console.log(`storage: used=${answer.currentUsage}`);
