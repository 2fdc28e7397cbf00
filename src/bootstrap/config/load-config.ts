import { hideSecrets } from "../../adapters/ops/secrets.js";
import { StartError } from "../start-error.js";
import { availableMemory, THIS_MACHINE, type MemorySources } from "./available-memory.js";
import { brokenCrossRules } from "./cross-rules.js";
import { deepFreeze } from "./deep-freeze.js";
import { misspeltNames } from "./did-you-mean.js";
import type { Machine, Setting } from "./setting.js";
import { SETTINGS, type Config } from "./settings.js";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface LoadedConfig {
  readonly config: Config;
  /** What is likely a slip but stops nothing. */
  readonly warnings: readonly string[];
  /** Values that must never be shown. */
  readonly secrets: readonly string[];
}

/** The longest value that is shown in a message as it is. */
const MAX_SHOWN = 80;

/**
 * Reads the whole configuration at once. A variable that is set to nothing counts as not set.
 *
 * @throws StartError that lists every fault, naming the variable, its value and what is allowed
 */
export function loadConfig(environment: Environment, memory: MemorySources = THIS_MACHINE): LoadedConfig {
  const machine: Machine = { memoryBytes: () => availableMemory(memory) };
  const faults = new Map<string, string>();
  const values = Object.entries<Setting<unknown>>(SETTINGS).map(([key, setting]) => {
    const text = textOf(setting, environment);
    if (text === "") return [key, setting.whenUnset(machine)];
    const parsed = setting.parser.parse(text);
    if (!parsed.ok) faults.set(key, describeFault(setting, text, parsed.hint));
    return [key, parsed.ok ? parsed.value : undefined];
  });
  const config = Object.fromEntries(values) as Config;
  const allFaults = [...faults.values(), ...brokenCrossRules(config, new Set(faults.keys()))];
  const warnings = [
    ...misspeltNames(Object.keys(environment), Object.values(SETTINGS).map(({ name }) => name)),
    ...settingsWithoutEffect(config),
  ];
  const secrets = secretsIn(environment);
  if (allFaults.length > 0) throw new StartError(hideSecrets(secrets)(describeFaults(allFaults, warnings)));
  return deepFreeze({ config, warnings, secrets });
}

function settingsWithoutEffect({ redisEnvironmentPrefix }: Config): string[] {
  return redisEnvironmentPrefix === undefined
    ? []
    : ["REDIS_ENVIRONMENT_PREFIX: this version keeps states in memory alone, Redis is not used"];
}

function textOf({ name, isSecret }: Setting<unknown>, environment: Environment): string {
  const text = environment[name] ?? "";
  // Space around a password may be part of it.
  return isSecret ? text : text.trim();
}

function describeFault({ name, parser, isSecret }: Setting<unknown>, text: string, hint: string | undefined): string {
  const shown = isSecret ? "its value (hidden: it is a secret)" : JSON.stringify(shorten(withoutPassword(text)));
  return `${name}: ${shown} is not allowed, it must be ${parser.allowed}${hint === undefined ? "" : ` (${hint})`}`;
}

function describeFaults(faults: readonly string[], warnings: readonly string[]): string {
  const count = faults.length === 1 ? "is 1 fault" : `are ${faults.length} faults`;
  return [`There ${count} in the configuration:`, ...faults, ...warnings].join("\n  - ");
}

/** The values of secret variables, and the passwords that stand in URLs. */
function secretsIn(environment: Environment): string[] {
  const secrets: string[] = [];
  for (const { name, isSecret } of Object.values<Setting<unknown>>(SETTINGS)) {
    const value = environment[name] ?? "";
    if (isSecret && value !== "") secrets.push(value, value.trim());
    const password = PASSWORD_IN_URL.exec(value)?.[2];
    if (password !== undefined) secrets.push(password);
  }
  return secrets;
}

const PASSWORD_IN_URL = /^([a-z]+:\/\/[^/@:]*:)([^/@]+)(?=@)/i;

function withoutPassword(text: string): string {
  return text.replace(PASSWORD_IN_URL, "$1***");
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
