import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** Not the project's own text, or not text that is read as a page. */
const SKIPPED = new Set(["node_modules", "dist", ".git", "corpus", "coverage"]);

export interface Link {
  /** The page that has it, from the repository's root. */
  readonly page: string;
  readonly line: number;
  readonly target: string;
}

/** Every page of a folder, from its root. */
export function pagesOf(root: string, folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : pagesOf(root, path);
    return entry.name.endsWith(".md") ? [relative(root, path)] : [];
  });
}

/** The links and pictures of a page, those in code left out. A link's text may break across two lines. */
export function linksOf(root: string, page: string): Link[] {
  const text = readFileSync(join(root, page), "utf8");
  const prose = text.replaceAll(/^ *```[^]*?^ *```/gm, blank).replaceAll(/`[^`\n]*`/g, blank);
  return [...prose.matchAll(/\]\((?<target>[^()\s]+)\)/g)].map(({ index, groups }) => ({
    page,
    line: prose.slice(0, index).split("\n").length,
    target: groups?.["target"] ?? "",
  }));
}

/** @returns what is wrong with a link to a place of this repository; undefined where nothing is, or it leads elsewhere */
export function faultOf(root: string, { page, target }: Link): string | undefined {
  if (/^[a-z][a-z\d+.-]*:/i.test(target)) return undefined;
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? join(root, page) : resolve(root, dirname(page), path);
  if (relative(root, file).startsWith("..")) return "leads out of the repository";
  if (!existsSync(file)) return "leads to no file";
  if (anchor === undefined) return undefined;
  if (statSync(file).isDirectory()) return "has an anchor in a folder";
  return anchorsOf(readFileSync(file, "utf8")).has(anchor) ? undefined : "leads to no heading";
}

/** As GitHub makes them from headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/^ *```[^]*?^ *```/gm, blank).matchAll(/^#{1,6} +(?<heading>.+)$/gm);
  return new Set(
    [...headings].map(({ groups }) =>
      (groups?.["heading"] ?? "")
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .trim()
        .replaceAll(" ", "-"),
    ),
  );
}

function blank(code: string): string {
  return code.replaceAll(/[^\n]/g, " ");
}
