import { fileNameOf } from "./file-settings.js";
import type { Setting } from "./setting.js";

/** A configuration as a Markdown table, as the documentation shows it. */
export function settingsTable(settings: Readonly<Record<string, Setting<unknown>>>): string {
  const rows = Object.values(settings).map(
    ({ name, otherNames, defaultText, description, ...rest }) =>
      `| ${[name, ...otherNames, fileNameOf({ name, ...rest })].filter((each) => each !== undefined).join(", ")} | ${cell(defaultText)} | ${cell(description)} |`,
  );
  return ["| variable | default | meaning |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
