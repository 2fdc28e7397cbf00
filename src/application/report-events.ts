import type { UsageEvent } from "../domain/usage-report.js";
import type { UpstreamClient } from "../ports/upstream-client.js";
import type { CallContext } from "./answer.js";
import { signalForReport } from "./report-signal.js";

/** Hands raw events to upstream, whose meters make usage of them; that usage comes back on the update stream. */
export class ReportEvents {
  readonly #upstream: UpstreamClient;

  constructor(upstream: UpstreamClient) {
    this.#upstream = upstream;
  }

  /** @throws CodedError upstream's own failure, never a made-up success */
  async report(events: readonly UsageEvent[], call: CallContext): Promise<void> {
    await this.#upstream.reportEvents(events, { signal: signalForReport(call) });
  }
}
