import { filePath, oneOf } from "./parsers.js";
import { optional, type Setting, withDefault } from "./setting.js";

/** What happens where nothing fresh can be had, and at a start. */
export const FAILURE_SETTINGS = {
  failurePolicyFile: optional("FAILURE_POLICY_FILE", filePath, {
    description:
      "what checks answer when nothing fresh can be had, by feature (YAML, docs/failure-policy.md); read again when it changes",
  }),
  snapshotFile: optional("SNAPSHOT_FILE", filePath, {
    description:
      "where cached states outlive the process, on a volume that does (docs/snapshot.md); one file for each process",
  }),
  readyWhen: withDefault("READY_WHEN", oneOf(["started", "reached", "warm"] as const), "started", {
    description:
      "when readiness is UP: started; reached: once upstream has taken the API key; warm: once a snapshot was read, or where there is none, as reached",
  }),
} as const satisfies Record<string, Setting<unknown>>;
