import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "@jest/globals";
import { loadCatalogText } from "../../../src/adapters/catalog/file/load-catalog.js";
import { faultOf, linksOf, pagesOf } from "./markdown-links.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGES = pagesOf(ROOT);
const MAX_README_WORDS = 1_200;

describe("the documentation", () => {
  it("has no link that leads nowhere", () => {
    const links = PAGES.flatMap((page) => linksOf(ROOT, page));
    const broken = links.flatMap((link) => {
      const fault = faultOf(ROOT, link);
      return fault === undefined ? [] : [`${link.page}:${link.line}: ${link.target} ${fault}`];
    });
    expect(links.length).toBeGreaterThan(50);
    expect(broken).toEqual([]);
  });

  it("lists every page of docs in its index", () => {
    const listed = new Set(linksOf(ROOT, "docs/README.md").map(({ target }) => join("docs", target)));
    const pages = PAGES.filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== "docs/README.md");
    expect(pages.filter((page) => !listed.has(page))).toEqual([]);
  });

  it("has decisions that are numbered without gaps", () => {
    const numbers = PAGES.flatMap((page) => /^docs\/adr\/(\d{4})-/.exec(page)?.[1] ?? []).map(Number);
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
  });

  it("begins with a README that is read in some minutes", () => {
    const words = readFileSync(join(ROOT, "README.md"), "utf8")
      .split(/\s+/)
      .filter((word) => word !== "");
    expect(words.length).toBeLessThanOrEqual(MAX_README_WORDS);
  });

  it("has a catalog in the README that a new user can serve as it stands", () => {
    const [, catalog = ""] = /```yaml\n([^]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8")) ?? [];
    expect([...loadCatalogText("README.md", catalog).customers.keys()]).toEqual(["acme"]);
  });
});
