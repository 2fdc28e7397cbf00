import type { MemorySources } from "./available-memory.js";
import { type Environment, type LoadedSettings, readSettings } from "./read-settings.js";
import { CROSS_RULES } from "./rules/cross-rules.js";
import { FOREIGN_TO_THE_SIDECAR } from "./rules/did-you-mean.js";
import { UNUSED_RULES } from "./rules/unused-rules.js";
import { SETTINGS } from "./settings/settings.js";

export type LoadedConfig = LoadedSettings<typeof SETTINGS>;

/**
 * Reads the sidecar's configuration.
 *
 * @throws StartError that lists every fault
 */
export function loadConfig(environment: Environment, memory?: MemorySources): LoadedConfig {
  return readSettings(
    { settings: SETTINGS, rules: CROSS_RULES, unused: UNUSED_RULES, foreign: FOREIGN_TO_THE_SIDECAR },
    environment,
    memory,
  );
}
