import type { Setting } from "./setting.js";
import { SETTINGS } from "./settings.js";

/** The configuration as a Markdown table, as the README shows it. */
export function settingsTable(): string {
  const rows = Object.values<Setting<unknown>>(SETTINGS).map(
    ({ name, defaultText, description }) => `| ${name} | ${cell(defaultText)} | ${cell(description)} |`,
  );
  return ["| variable | default | meaning |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
