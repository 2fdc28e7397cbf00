import { filePath } from "./settings/parsers.js";
import { optional, type Setting } from "./settings/setting.js";

/** What happens where nothing fresh can be had. */
export const FAILURE_SETTINGS = {
  failurePolicyFile: optional("FAILURE_POLICY_FILE", filePath, {
    description:
      "what checks answer when nothing fresh can be had, by feature (YAML, docs/failure-policy.md); read again when it changes",
  }),
} as const satisfies Record<string, Setting<unknown>>;
