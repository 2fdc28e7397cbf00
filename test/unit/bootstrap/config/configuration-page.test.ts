import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { settingsTable } from "../../../../src/bootstrap/config/settings/setting.js";
import { SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";

describe("docs/configuration.md", () => {
  const page = readFileSync(new URL("../../../../docs/configuration.md", import.meta.url), "utf8");

  it("shows the configuration as it is", () => {
    const shown = /<!-- configuration -->([^]*)<!-- \/configuration -->/.exec(page)?.[1];
    expect(shown?.trim()).toBe(settingsTable(SETTINGS).trim());
  });
});
