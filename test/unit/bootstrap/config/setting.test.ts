import { describe, expect, it } from "@jest/globals";
import { settingsTable } from "../../../../src/bootstrap/config/settings/setting.js";
import { SETTINGS } from "../../../../src/bootstrap/config/settings/settings.js";

describe("the table of settings", () => {
  it("documents every variable in a row of three cells", () => {
    const [, , ...rows] = settingsTable(SETTINGS).trimEnd().split("\n");
    expect(rows.map((row) => row.split(" | ")[0]?.split(",")[0])).toEqual(
      Object.values(SETTINGS).map(({ name }) => `| ${name}`),
    );
    for (const row of rows) expect(row).toMatch(/^\| [A-Z_]+(, [A-Z_]+_FILE)? \| [^|]+ \| [^|]+ \|$/);
  });

  it("names no variable twice", () => {
    const names = Object.values(SETTINGS).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});
