import { hideSecrets } from "../../adapters/ops/secrets.js";
import { StartError } from "../process/start-error.js";
import { availableMemory, type MemorySources, THIS_MACHINE } from "./available-memory.js";
import { type ForeignName, foreignNames, misspeltNames, quotedValues } from "./environment-warnings.js";
import { brokenRules, type CrossRule, type UnusedRule, type UnusedSetting, unusedSettings } from "./setting-rules.js";
import { readFileSettings } from "./settings/file-settings.js";
import { fileNameOf, type Machine, type Setting, type Values } from "./settings/setting.js";

export type Environment = Readonly<Record<string, string | undefined>>;

type Settings = Readonly<Record<string, Setting<unknown>>>;

/** What a process can be configured by. */
export interface Configurable<S extends Settings> {
  readonly settings: S;
  readonly rules: readonly CrossRule<Values<S>>[];
  /** When settings have no effect, the widest reasons first. */
  readonly unused?: readonly UnusedRule<Values<S>>[];
  /** Names that are not this process's, and that it says something of all the same. */
  readonly foreign?: readonly ForeignName[];
}

export interface LoadedSettings<S extends Settings> {
  readonly config: Values<S>;
  /** What is likely a slip but stops nothing. */
  readonly warnings: readonly string[];
  /** Values that must never be shown. */
  readonly secrets: readonly string[];
  /** Every setting as it is in force, for whoever runs the service. */
  readonly inForce: readonly SettingInForce[];
  /** The files that settings were read from, by the setting's variable. */
  readonly files: Readonly<Record<string, string>>;
}

export interface SettingInForce {
  readonly name: string;
  /** As text; of a secret only that there is one. */
  readonly value: string;
  /** "environment", "default", or "file <path>". */
  readonly from: string;
  /** Why it has no effect, where it has none. */
  readonly hasNoEffect?: string | undefined;
}

/** The longest value that is shown in a message as it is. */
const MAX_SHOWN = 80;

/**
 * Reads all of a configuration at once. A variable that is set to nothing counts as not set; what has no effect in this
 * configuration stops no start, whatever its value is.
 *
 * @throws StartError that lists every fault, naming the variable, its value and what is allowed
 */
export function readSettings<S extends Settings>(
  { settings, rules, unused: unusedRules = [], foreign = [] }: Configurable<S>,
  given: Environment,
  memory: MemorySources = THIS_MACHINE,
): LoadedSettings<S> {
  const {
    environment,
    files,
    warnings: fileWarnings,
    faults: fileFaults,
  } = readFileSettings(Object.values<Setting<unknown>>(settings), given);
  const machine: Machine = { memoryBytes: () => availableMemory(memory) };
  const entries = Object.entries<Setting<unknown>>(settings);
  const faults = new Map<string, string>();
  const values = new Map(
    entries.map(([key, setting]) => [
      key,
      readSetting(setting, environment, fileFaults.get(setting.name), machine, (fault) => faults.set(key, fault)),
    ]),
  );
  const unused = unusedSettings(unusedRules, Object.fromEntries(values) as Values<S>, new Set(faults.keys()));
  const ownNames = entries.flatMap(([, setting]) => [...namesOf(setting), ...fileNames(setting)]);
  const warnings = [
    ...misspeltNames(strangersIn(given, foreign), ownNames),
    ...foreignNames(foreign, environment),
    ...quotedValues(ownNames, given),
    ...fileWarnings,
    ...withoutEffect(entries, values, unused, faults, environment, machine),
  ];
  for (const [key, setting] of entries) {
    if (unused.has(key) && faults.delete(key)) values.set(key, setting.whenUnset(machine));
  }
  const config = Object.fromEntries(values) as Values<S>;
  const allFaults = [
    ...faults.values(),
    ...brokenRules(rules, config, new Set(faults.keys()), (key) => !unused.has(key)),
  ];
  const secrets = secretsIn(settings, environment);
  if (allFaults.length > 0) throw new StartError(hideSecrets(secrets)(describeFaults(allFaults, warnings)));
  const inForce = entries.map(([key, setting]) =>
    settingInForce(
      setting,
      values.get(key),
      environment,
      unused.get(key)?.reason,
      hideSecrets(secrets),
      files.get(setting.name),
    ),
  );
  return deepFreeze({
    config,
    warnings: warnings.map(hideSecrets(secrets)),
    secrets,
    inForce,
    files: Object.fromEntries(files),
  });
}

function readSetting(
  setting: Setting<unknown>,
  environment: Environment,
  fileFault: string | undefined,
  machine: Machine,
  fault: (text: string) => void,
): unknown {
  if (fileFault !== undefined) {
    fault(fileFault);
    return undefined;
  }
  const [given, other] = givenTexts(setting, environment);
  if (given === undefined) {
    if (!setting.isRequired) return setting.whenUnset(machine);
    fault(`${setting.name} is not set: it is required (${setting.description})`);
    return undefined;
  }
  if (other !== undefined) {
    const [[name, text], [otherName, otherText]] = [given, other];
    const shown = setting.isSecret
      ? "differ"
      : `are ${JSON.stringify(shorten(text))} and ${JSON.stringify(shorten(otherText))}`;
    fault(`${name} and ${otherName} ${shown}: they mean the same, so set one of them, or both alike`);
    return undefined;
  }
  const [name, text] = given;
  const parsed = setting.parser.parse(text);
  if (parsed.ok) return parsed.value;
  fault(describeFault(name, setting, text, parsed.hint));
  return undefined;
}

function settingInForce(
  setting: Setting<unknown>,
  value: unknown,
  environment: Environment,
  reason: string | undefined,
  redact: (text: string) => string,
  file: string | undefined,
): SettingInForce {
  const [given] = givenTexts(setting, environment);
  const text =
    given?.[1] ??
    (value === undefined || typeof value === "object"
      ? setting.defaultText
      : JSON.stringify(value).replaceAll(/^"|"$/g, ""));
  return {
    name: given?.[0] ?? setting.name,
    value: setting.isSecret && given !== undefined ? "(hidden)" : redact(text),
    from: given === undefined ? "default" : file === undefined ? "environment" : `file ${file}`,
    hasNoEffect: given === undefined ? undefined : reason,
  };
}

/** The names that are set to something, without those of which it is known what they are. */
function strangersIn(environment: Environment, foreign: readonly ForeignName[]): string[] {
  return Object.keys(environment).filter(
    (name) => (environment[name] ?? "").trim() !== "" && !foreign.some((known) => known.name === name),
  );
}

function fileNames(setting: Setting<unknown>): readonly string[] {
  return [fileNameOf(setting)].filter((name) => name !== undefined);
}

function namesOf({ name, otherNames }: Setting<unknown>): readonly string[] {
  return [name, ...otherNames];
}

/** What is given, under the name that comes first; a second one only where it says something else. */
function givenTexts(setting: Setting<unknown>, environment: Environment): (readonly [name: string, text: string])[] {
  const given = namesOf(setting)
    .map((name) => [name, textOf(setting, environment[name])] as const)
    .filter(([, text]) => text !== "");
  return given.filter(([, text], index) => index === 0 || text !== given[0]?.[1]);
}

/** One warning for each reason, naming all settings that were given for nothing. */
function withoutEffect(
  entries: readonly (readonly [key: string, setting: Setting<unknown>])[],
  values: ReadonlyMap<string, unknown>,
  unused: ReadonlyMap<PropertyKey, UnusedSetting>,
  faults: ReadonlyMap<string, string>,
  environment: Environment,
  machine: Machine,
): string[] {
  const namesByReason = new Map<string, string[]>();
  const faultsByReason = new Map<string, string[]>();
  for (const [key, setting] of entries) {
    const why = unused.get(key);
    const fault = faults.get(key);
    // What cannot be read of a file is not in the environment.
    const name = givenTexts(setting, environment)[0]?.[0] ?? (fault === undefined ? undefined : fileNameOf(setting));
    if (why === undefined || name === undefined) continue;
    // Charts give defaults to what they do not use, too.
    if (fault === undefined && (why.isExpected || values.get(key) === setting.whenUnset(machine))) continue;
    listIn(namesByReason, why.reason).push(name);
    if (fault !== undefined) listIn(faultsByReason, why.reason).push(fault);
  }
  return [...namesByReason].map(([reason, names]) => {
    const own = faultsByReason.get(reason);
    return `${names.join(", ")} ${names.length === 1 ? "has" : "have"} no effect: ${reason}${own === undefined ? "" : `. Else it would be a fault: ${own.join("; ")}`}`;
  });
}

function listIn(lists: Map<string, string[]>, key: string): string[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

function textOf({ isSecret }: Setting<unknown>, text = ""): string {
  // Space around a password may be part of it.
  return isSecret ? text : text.trim();
}

function describeFault(
  name: string,
  { parser, isSecret }: Setting<unknown>,
  text: string,
  hint: string | undefined,
): string {
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

/** Where a value is refused it may hold a password in other ways, too: with / or @ in it, and without a scheme. */
const PASSWORD_BEFORE_HOST = /^((?:[a-z][a-z\d+.-]*:\/\/)?[^\s/@:"]*:)([^\s"]+)(?=@)/i;

function withoutPassword(text: string): string {
  return text.replace(PASSWORD_BEFORE_HOST, "$1***");
}

function shorten(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** Freezes plain objects and arrays all the way down. */
function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze<unknown>(part);
  }
  return value;
}
