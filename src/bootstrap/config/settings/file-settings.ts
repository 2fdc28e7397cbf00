import { readFileNow, readOnceNow } from "../../../adapters/files/open-to-read.js";
import { fileNameOf, type Setting } from "./setting.js";

type Environment = Readonly<Record<string, string | undefined>>;

interface FileSettings {
  /** The environment with what the files hold in place of their names. */
  readonly environment: Environment;
  /** The files by the variable that names their setting. */
  readonly files: ReadonlyMap<string, string>;
  /** Those that hold nothing, likely by a slip: each as a warning. */
  readonly warnings: readonly string[];
  /** What is wrong with them, by that variable. */
  readonly faults: ReadonlyMap<string, string>;
}

/** Reads the settings that are given as files, as orchestrators mount secrets: the last line break does not count. */
export function readFileSettings(settings: Iterable<Setting<unknown>>, environment: Environment): FileSettings {
  const read: Record<string, string | undefined> = { ...environment };
  const files = new Map<string, string>();
  const faults = new Map<string, string>();
  const warnings: string[] = [];
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
      const value = readSettingFileOnce(file);
      if (value.trim() === "")
        warnings.push(`${variable} has no effect: ${file} is empty; write the value into it, or remove the variable`);
      read[setting.name] = value;
      files.set(setting.name, file);
    } catch (error) {
      faults.set(
        setting.name,
        `${variable}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message}): correct the path or its permissions`,
      );
    }
  }
  return { environment: read, files, warnings, faults };
}

/** Far more than any key, password or bundle of authorities. */
const MAX_BYTES = 1024 * 1024;

/**
 * The value that a file holds, as orchestrators mount secrets: the last line break does not count, nor the mark that editors of
 * Windows put first.
 *
 * @throws Error that says why it cannot be read, also where it is a pipe or a device
 */
export function readSettingFile(file: string): string {
  return valueIn(readFileNow(file));
}

/** The same at the start, where it may be a pipe as well, which a shell makes of a command. */
function readSettingFileOnce(file: string): string {
  return valueIn(readOnceNow(file));
}

function valueIn(content: Buffer): string {
  if (content.length > MAX_BYTES) throw new Error(`it has ${content.length} bytes, more than any value has`);
  return content
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .replace(/\r?\n$/, "");
}
