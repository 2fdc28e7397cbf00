import { hideSecrets } from "../../adapters/ops/secrets.js";
import { StartError } from "../start-error.js";
import { availableMemory, THIS_MACHINE, type MemorySources } from "./available-memory.js";
import { brokenRules, type CrossRule } from "./cross-rule.js";
import { deepFreeze } from "./deep-freeze.js";
import { misspeltNames } from "./did-you-mean.js";
import type { Machine, Setting, Values } from "./setting.js";

export type Environment = Readonly<Record<string, string | undefined>>;

type Settings = Readonly<Record<string, Setting<unknown>>>;

/** What a process can be configured by. */
export interface Configurable<S extends Settings> {
  readonly settings: S;
  readonly rules: readonly CrossRule<Values<S>>[];
}

export interface LoadedSettings<S extends Settings> {
  readonly config: Values<S>;
  /** What is likely a slip but stops nothing. */
  readonly warnings: readonly string[];
  /** Values that must never be shown. */
  readonly secrets: readonly string[];
}

/** The longest value that is shown in a message as it is. */
const MAX_SHOWN = 80;

/**
 * Reads a whole configuration at once. A variable that is set to nothing counts as not set.
 *
 * @throws StartError that lists every fault, naming the variable, its value and what is allowed
 */
export function readSettings<S extends Settings>(
  { settings, rules }: Configurable<S>,
  environment: Environment,
  memory: MemorySources = THIS_MACHINE,
): LoadedSettings<S> {
  const machine: Machine = { memoryBytes: () => availableMemory(memory) };
  const faults = new Map<string, string>();
  const values = Object.entries<Setting<unknown>>(settings).map(([key, setting]) => {
    const text = textOf(setting, environment);
    if (text === "" && !setting.isRequired) return [key, setting.whenUnset(machine)];
    if (text === "") {
      faults.set(key, `${setting.name} is not set: it is required (${setting.description})`);
      return [key, undefined];
    }
    const parsed = setting.parser.parse(text);
    if (!parsed.ok) faults.set(key, describeFault(setting, text, parsed.hint));
    return [key, parsed.ok ? parsed.value : undefined];
  });
  const config = Object.fromEntries(values) as Values<S>;
  const allFaults = [...faults.values(), ...brokenRules(rules, config, new Set(faults.keys()))];
  const warnings = misspeltNames(Object.keys(environment), Object.values<Setting<unknown>>(settings).map(({ name }) => name));
  const secrets = secretsIn(settings, environment);
  if (allFaults.length > 0) throw new StartError(hideSecrets(secrets)(describeFaults(allFaults, warnings)));
  return deepFreeze({ config, warnings, secrets });
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
function secretsIn(settings: Settings, environment: Environment): string[] {
  const secrets: string[] = [];
  for (const { name, isSecret } of Object.values(settings)) {
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
