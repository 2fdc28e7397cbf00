import type { MemorySources } from "./available-memory.js";
import { CROSS_RULES } from "./cross-rules.js";
import { readSettings, type Environment, type LoadedSettings } from "./read-settings.js";
import { SETTINGS } from "./settings.js";

export type LoadedConfig = LoadedSettings<typeof SETTINGS>;

/**
 * Reads the sidecar's configuration.
 *
 * @throws StartError that lists every fault
 */
export function loadConfig(environment: Environment, memory?: MemorySources): LoadedConfig {
  return readSettings({ settings: SETTINGS, rules: CROSS_RULES }, environment, memory);
}
