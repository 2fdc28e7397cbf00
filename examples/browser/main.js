// May customer-demo add three seats, and how much is left?
import { AccessDeniedReason, createSidecarClient } from "entitlement-sidecar/client";

const baseUrl = new URLSearchParams(location.search).get("sidecar") ?? "http://localhost:50051";
const sidecar = createSidecarClient({ baseUrl, timeoutMs: 10_000 });
const customerId = "customer-demo";
const answers = document.querySelector("#answers");

async function ask() {
  const seats = await sidecar.getMeteredEntitlement({ customerId, featureId: "seats", options: { requestedUsage: 3 } });
  const sso = await sidecar.getBooleanEntitlement({ customerId, featureId: "sso" });
  // The same report under the same key counts once, however often it is sent.
  const report = { customerId, featureId: "storage-gb", value: 1 };
  await sidecar.reportUsage(report, { headers: { "idempotency-key": "browser-1" } });
  const storage = await sidecar.reportUsage(report, { headers: { "idempotency-key": "browser-1" } });
  return [
    `seats: granted=${seats.hasAccess} used=${seats.entitlement?.currentUsage} limit=${seats.entitlement?.usageLimit}`,
    `sso: granted=${sso.hasAccess} reason=${AccessDeniedReason[sso.accessDeniedReason ?? 0]}`,
    `storage: used=${storage.currentUsage}`,
  ].join("\n");
}

answers.textContent = await ask().catch((error) => `failed: ${error.message}`);
