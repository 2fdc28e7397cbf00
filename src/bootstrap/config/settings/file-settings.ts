import { readSettingFileOnce } from "./read-setting-file.js";
import type { Setting } from "./setting.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Settings that may also be given as a file, under the name with this behind it. */
const SUFFIX = "_FILE";

export interface FileSettings {
  /** The environment with what the files hold in place of their names. */
  readonly environment: Environment;
  /** The files by the variable that names their setting. */
  readonly files: ReadonlyMap<string, string>;
  /** What is wrong with them, by that variable. */
  readonly faults: ReadonlyMap<string, string>;
}

/** The name under which a setting is given as a file; undefined where it may not be. */
export function fileNameOf({
  name,
  isSecret,
  mayBeFile,
}: Pick<Setting<unknown>, "name" | "isSecret" | "mayBeFile">): string | undefined {
  return isSecret || mayBeFile ? `${name}${SUFFIX}` : undefined;
}

/** Reads the settings that are given as files, as orchestrators mount secrets: the last line break does not count. */
export function readFileSettings(settings: Iterable<Setting<unknown>>, environment: Environment): FileSettings {
  const read: Record<string, string | undefined> = { ...environment };
  const files = new Map<string, string>();
  const faults = new Map<string, string>();
  for (const setting of settings) {
    const variable = fileNameOf(setting);
    const file = variable === undefined ? "" : (environment[variable] ?? "").trim();
    if (variable === undefined || file === "") continue;
    if ((environment[setting.name] ?? "").trim() !== "") {
      faults.set(
        setting.name,
        `${setting.name} and ${variable} are both set: they mean the same, so remove one of them`,
      );
      continue;
    }
    try {
      read[setting.name] = readSettingFileOnce(file);
      files.set(setting.name, file);
    } catch (error) {
      faults.set(
        setting.name,
        `${variable}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}): correct the path or its permissions`,
      );
    }
  }
  return { environment: read, files, faults };
}
