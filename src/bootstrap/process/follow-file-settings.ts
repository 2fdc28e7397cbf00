import { statSync, watchFile } from "node:fs";
import { LOG_LEVELS, type LogLevel } from "../../adapters/ops/log-format.js";
import type { Logger } from "../../ports/logger.js";
import { readSettingFile } from "../config/settings/file-settings.js";
import type { Setting } from "../config/settings/setting.js";
import { SETTINGS } from "../config/settings/settings.js";
import { reloadOnHangUp } from "./termination.js";

/** What takes another secret into use while the service runs. */
export interface ReplaceableSecret {
  readonly setting: Pick<Setting<string | undefined>, "name" | "parser">;
  /** As the log calls it: "API key". */
  readonly called: string;
  readonly isPlural?: boolean;
  readonly replace: (value: string) => void;
  /** From when on it counts, as the log says it: "requests carry the new one". */
  readonly effect: string;
}

interface FileSettingActions {
  readonly logger: Logger;
  readonly logLevel: (level: LogLevel) => void;
  /** Notified of each new secret before it is used, so that it is in no log line. */
  readonly secrets: { add(secret: string): void };
  readonly replaceable: readonly ReplaceableSecret[];
}

/** How often files are looked at: a secret that is mounted is replaced as a link, of which no notice comes. */
const LOOK_MS = 5_000;

/** Takes settings that are given as files into use when they change, and on SIGHUP. What cannot be read leaves the last one in use. */
export function followFileSettings(
  { files }: { readonly files: Readonly<Record<string, string>> },
  { logger, logLevel, secrets, replaceable }: FileSettingActions,
): void {
  // What a command wrote to a pipe is gone once it was read.
  const followed = Object.fromEntries(Object.entries(files).filter(([, file]) => !isPipe(file)));
  const last = new Map<string, string>();
  const unreadable = new Set<string>();
  const reload = () => {
    // The level first: what the others tell is written by it.
    const levelFirst = Object.entries(followed).sort(
      ([one], [other]) => Number(other === SETTINGS.logLevel.name) - Number(one === SETTINGS.logLevel.name),
    );
    for (const [name, file] of levelFirst) {
      try {
        const text = readSettingFile(file);
        if (unreadable.delete(name)) logger.warn(`${name}_FILE can be read again`, { file });
        if (last.get(name) === text) continue;
        const isFirst = !last.has(name);
        last.set(name, text);
        if (!isFirst) take(name, text);
      } catch (error) {
        unreadable.add(name);
        logger.warn(`${name}_FILE cannot be read: the last value stays in use`, { file, error });
      }
    }
  };
  const take = (name: string, text: string) => {
    const secret = replaceable.find(({ setting }) => setting.name === name);
    if (name === SETTINGS.logLevel.name) takeLevel(text.trim().toLowerCase());
    else if (secret === undefined) logger.warn(`${name}_FILE has changed: restart the service to have it take effect`);
    else if (!secret.setting.parser.parse(text).ok)
      logger.warn(`${name}_FILE holds no ${secret.called}: the last one stays in use`);
    else {
      secrets.add(text);
      secret.replace(text);
      logger.warn(`the ${secret.called} ${secret.isPlural === true ? "were" : "was"} replaced: ${secret.effect}`);
    }
  };
  const takeLevel = (text: string) => {
    const level = LOG_LEVELS.find((each) => each === text);
    if (level === undefined)
      logger.warn(`${SETTINGS.logLevel.name}_FILE holds no log level: write one of ${LOG_LEVELS.join(", ")}`);
    else {
      logLevel(level);
      logger.info("the log level is another", { level });
    }
  };
  reload();
  for (const file of Object.values(followed)) watchFile(file, { persistent: false, interval: LOOK_MS }, reload);
  reloadOnHangUp(reload);
}

function isPipe(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFIFO() === true;
}
