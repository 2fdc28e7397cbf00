import { encodeState } from "../../src/adapters/cache/redis/codec/encode-state.js";
import { openRedis } from "../../src/adapters/cache/redis-client/open-redis.js";
import { SystemClock } from "../../src/adapters/ops/system-clock.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import { newTelemetry } from "../../src/ports/telemetry.js";
import { decodeEntitlementsState } from "../../src/wire/decode-entitlements-state.js";
import { RecordingLogger } from "../../test/fakes/recording-logger.js";
import { customerIdOf } from "../world/customers.js";
import { stateJsonOf } from "../world/state-json.js";

const TOGETHER = 100;

/** Writes the states that upstream tells of the bench's customers, as a sidecar would have. */
export async function fillForChecks(port: number, environment: string, customers: number): Promise<void> {
  const connection = openRedis(
    { target: { kind: "server", host: "127.0.0.1", port, db: 0 }, keysTtlSecs: 3_600, commandTimeoutMs: 60_000 },
    { clock: new SystemClock(), logger: new RecordingLogger(), telemetry: newTelemetry() },
  );
  const now = new Date();
  const trust = { verifiedAt: now.getTime(), recheckAt: Infinity, isVerified: true };
  for (let from = 0; from < customers; from += TOGETHER) {
    const groups = Array.from({ length: Math.min(TOGETHER, customers - from) }, (_, index) =>
      encodeState(environment, { customerId: customerIdOf(from + index) }, stateOf(from + index, now), trust),
    );
    await connection.commands.writeNewest(groups);
  }
  connection.close();
}

function stateOf(customer: number, now: Date): CustomerState {
  const { data } = JSON.parse(stateJsonOf(customer, true, now)) as { readonly data: unknown };
  return decodeEntitlementsState(data, (fault) => {
    throw fault;
  });
}
