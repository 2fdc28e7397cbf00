import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { promisesSettled } from "../fakes/event-loop.js";
import { SidecarUnderFault } from "./sidecar-under-fault.js";

const CALLERS = 200;
const OTHER = "Ünï/cödé & co?";

let rig: SidecarUnderFault;

beforeEach(async () => {
  rig = await SidecarUnderFault.start({ ENTITLEMENTS_TIMEOUT_MS: "20000" });
  await rig.seats(OTHER);
});

afterEach(() => rig.stop());

async function untilAllWait(misses: number): Promise<void> {
  const { telemetry } = rig.sidecar;
  while (telemetry.cacheMisses < misses) await promisesSettled();
}

function fetchesByUpstream() {
  const { edge, api } = rig.emulator.stats;
  return {
    edge: edge.byOperation.get("entitlements-state.json") ?? 0,
    api: api.byOperation.get("GetEntitlementsState") ?? 0,
  };
}

/** Of Edge, which holds its answer: the API may have been asked beside it, once as well. */
function expectOneFetchSince(before: ReturnType<typeof fetchesByUpstream>): void {
  const { edge, api } = fetchesByUpstream();
  expect(edge).toBe(before.edge + 1);
  expect(api).toBeLessThanOrEqual(before.api + 1);
}

test("200 concurrent checks of one cold customer are one fetch", async () => {
  const fetches = fetchesByUpstream();
  const { cacheMisses } = rig.sidecar.telemetry;
  const release = rig.emulator.faults.inject({ target: "edge", kind: "hold" });
  const checks = Array.from({ length: CALLERS }, () => rig.seats());
  await untilAllWait(cacheMisses + CALLERS);
  release();
  for (const answer of await Promise.all(checks)) expect(answer).toMatchObject({ source: "upstream", limit: 10 });
  expectOneFetchSince(fetches);
});

test.each(["first", "last"])(
  "with 199 of the callers going away, the %s is still answered by that one fetch",
  async (which) => {
    const fetches = fetchesByUpstream();
    const { cacheMisses } = rig.sidecar.telemetry;
    const release = rig.emulator.faults.inject({ target: "edge", kind: "hold" });
    const callers = Array.from({ length: CALLERS }, () => new AbortController());
    const patient = which === "first" ? 0 : CALLERS - 1;
    const checks = callers.map(({ signal }) => rig.seats("acme", { signal }));
    const settled = Promise.allSettled(checks);
    await untilAllWait(cacheMisses + CALLERS);
    callers.forEach((caller, i) => {
      if (i !== patient) caller.abort();
    });
    // On the same connection, behind the cancellations: when this is answered, they have arrived.
    expect(await rig.seats(OTHER)).toMatchObject({ source: "memory" });
    release();
    const outcomes = await settled;
    expect(outcomes[patient]).toMatchObject({ status: "fulfilled", value: { source: "upstream", limit: 10 } });
    const others = outcomes.filter((_, i) => i !== patient);
    for (const outcome of others)
      expect(outcome).toMatchObject({ status: "rejected", reason: { code: Code.Canceled } });
    expectOneFetchSince(fetches);
    expect(await rig.seats()).toMatchObject({ source: "memory", limit: 10 });
  },
);
