import type { UpstreamClient } from "../../ports/upstream-client.js";
import type { ApiKeyCheck } from "./api-key.js";
import type { EmulatorStats } from "./emulator-stats.js";
import type { FaultBoard } from "./faults/fault-board.js";

/** What all interfaces of one emulator share. */
export interface EmulatorContext {
  readonly upstream: UpstreamClient;
  readonly apiKey: ApiKeyCheck;
  readonly faults: FaultBoard;
  readonly stats: EmulatorStats;
  readonly clock: { now(): number };
}
