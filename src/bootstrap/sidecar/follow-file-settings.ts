import { readFileSync, watchFile } from "node:fs";
import { LOG_LEVELS, type LogLevel } from "../../adapters/ops/log-level.js";
import type { Logger } from "../../ports/logger.js";
import { SETTINGS } from "../config/settings/settings.js";
import { reloadOnHangUp } from "../process/termination.js";

export interface FileSettingActions {
  readonly logger: Logger;
  readonly logLevel: (level: LogLevel) => void;
  readonly apiKey: (key: string) => void;
}

/** How often files are looked at: a secret that is mounted is replaced as a link, of which no notice comes. */
const LOOK_MS = 5_000;

/** Takes settings that are given as files into use when they change, and on SIGHUP. What cannot be read leaves the last one in use. */
export function followFileSettings(
  { files }: { readonly files: Readonly<Record<string, string>> },
  actions: FileSettingActions,
): void {
  const { logger } = actions;
  const last = new Map<string, string>();
  const reload = () => {
    // The level first: what the others tell is written by it.
    const levelFirst = Object.entries(files).sort(
      ([one], [other]) => Number(other === SETTINGS.logLevel.name) - Number(one === SETTINGS.logLevel.name),
    );
    for (const [name, file] of levelFirst) {
      try {
        const text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
        if (last.get(name) === text) continue;
        const isFirst = !last.has(name);
        last.set(name, text);
        if (!isFirst) take(name, text);
      } catch (error) {
        logger.warn(`${name}_FILE cannot be read: the last value stays in use`, { file, error });
      }
    }
  };
  const take = (name: string, text: string) => {
    if (name === SETTINGS.logLevel.name) {
      const level = LOG_LEVELS.find((each) => each === text.trim().toLowerCase());
      if (level === undefined) logger.warn(`${name}_FILE holds no log level: write one of ${LOG_LEVELS.join(", ")}`);
      else {
        actions.logLevel(level);
        logger.info("the log level is another", { level });
      }
    } else if (name === SETTINGS.serverApiKey.name) {
      const parsed = SETTINGS.serverApiKey.parser.parse(text);
      if (!parsed.ok) logger.warn(`${name}_FILE holds no API key: the last one stays in use`);
      else {
        actions.apiKey(text);
        logger.warn("the API key was replaced: requests carry the new one");
      }
    } else logger.warn(`${name}_FILE has changed: restart the service to have it take effect`);
  };
  reload();
  for (const file of Object.values(files)) watchFile(file, { persistent: false, interval: LOOK_MS }, reload);
  reloadOnHangUp(reload);
}
