import { usageReport } from "../../test/builders/catalog-use.js";
import { inkwell } from "../../test/builders/inkwell.js";
import { API_KEY, emulatedUpstream } from "../../test/builders/sidecar-on-emulator.js";
import { GrpcChecks } from "./grpc-checks.js";
import { Latencies } from "./latencies.js";
import { startSidecarProcess } from "./sidecar-process.js";

const CHANGES = 1_000;
const ACME = { customerId: "acme" };

/**
 * How long after a change of the catalog a check tells it: over the emulator's WebSocket, the sidecar in a process
 * of its own, and gRPC. One client checks without pause; half of the changes are edits, half are usage.
 */
export async function measureChangeDelay(): Promise<Latencies> {
  const upstream = await emulatedUpstream(inkwell());
  const { engine, emulator } = upstream;
  const sidecar = await startSidecarProcess(emulator.url, emulator.wsUrl, API_KEY);
  const client = new GrpcChecks(sidecar.grpcPort, "seats");
  const delays = new Latencies();
  try {
    await emulator.stats.until(
      ({ subscriptions }) =>
        subscriptions.get("usageUpdatedV2") === 1 && subscriptions.get("entitlementsUpdatedV2") === 1,
    );
    await client.check(ACME.customerId);
    let limit = 1_000;
    for (let change = 0; change < CHANGES; change++) {
      const changedAt = performance.now();
      if (change % 2 === 0) engine.replace(inkwell({ overrides: { seats: ++limit } }));
      else await engine.reportUsage([usageReport(ACME, "seats", 1)]);
      const usage = engine.stateOf(ACME).featureUsage("seats").currentUsage;
      for (let isSeen = false; !isSeen;) {
        const shown = await client.check(ACME.customerId);
        isSeen = shown.currentUsage === usage && shown.usageLimit === limit;
      }
      delays.add(performance.now() - changedAt);
    }
  } finally {
    client.close();
    await sidecar.stop();
    await upstream.stop();
  }
  return delays;
}
