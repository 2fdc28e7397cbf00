import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { settingsTable } from "../../../../src/bootstrap/config/settings/settings-table.js";
import { SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";

describe("the README", () => {
  const readme = readFileSync(new URL("../../../../README.md", import.meta.url), "utf8");

  it("shows the configuration as it is", () => {
    const shown = /<!-- configuration -->([^]*)<!-- \/configuration -->/.exec(readme)?.[1];
    expect(shown?.trim()).toBe(settingsTable(SETTINGS).trim());
  });
});
