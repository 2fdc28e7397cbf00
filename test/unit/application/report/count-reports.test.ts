import { describe, expect, it } from "@jest/globals";
import { countReports } from "../../../../src/application/report/count-reports.js";
import { CodedError, ERROR_CODES, type ErrorCode } from "../../../../src/domain/errors.js";
import { newTelemetry } from "../../../../src/ports/telemetry.js";
import type { UpstreamClient } from "../../../../src/ports/upstream-client.js";
import { stateWith } from "../../../builders/states.js";

const OPTIONS = { signal: new AbortController().signal };
const REFUSED: readonly ErrorCode[] = [
  "invalid-argument",
  "not-found",
  "failed-precondition",
  "unauthenticated",
  "permission-denied",
  "resource-exhausted",
];

function counting(result: () => Promise<never[]>) {
  const telemetry = newTelemetry();
  const upstream = { reportUsage: result, reportUsageBulk: result, reportEvents: result } as unknown as UpstreamClient;
  return { counted: countReports(upstream, telemetry), reports: telemetry.reports };
}

describe("reports are counted by what became of them", () => {
  it("each of a bulk by itself, once delivered", async () => {
    const { counted, reports } = counting(() => Promise.resolve([]));
    await counted.reportUsage({} as never, OPTIONS);
    await counted.reportUsageBulk([{}, {}] as never, OPTIONS);
    await counted.reportEvents([{}, {}, {}] as never, OPTIONS);
    expect(reports).toEqual({
      usage: { delivered: 3, refused: 0, failed: 0 },
      event: { delivered: 3, refused: 0, failed: 0 },
    });
  });

  it("while states are asked for as before, which is no report", async () => {
    const state = stateWith([]);
    const telemetry = newTelemetry();
    const upstream = { fetchState: () => Promise.resolve(state) } as unknown as UpstreamClient;
    const fetched = countReports(upstream, telemetry).fetchState({ customerId: "c" }, { ...OPTIONS, latest: false });
    expect(await fetched).toBe(state);
    expect(telemetry.reports).toEqual(newTelemetry().reports);
  });

  it.each(ERROR_CODES)("after %s as refused, or as failed where upstream may have counted", async (code) => {
    const { counted, reports } = counting(() => Promise.reject(new CodedError(code, "no")));
    await expect(counted.reportUsage({} as never, OPTIONS)).rejects.toMatchObject({ code });
    expect(reports.usage).toEqual({
      delivered: 0,
      refused: REFUSED.includes(code) ? 1 : 0,
      failed: REFUSED.includes(code) ? 0 : 1,
    });
  });

  it("after a refusal as failed where an earlier try may have counted", async () => {
    const { counted, reports } = counting(() => Promise.reject(new CodedError("not-found", "no", { mayCount: true })));
    await expect(counted.reportUsage({} as never, OPTIONS)).rejects.toMatchObject({ code: "not-found" });
    expect(reports.usage).toEqual({ delivered: 0, refused: 0, failed: 1 });
  });
});
