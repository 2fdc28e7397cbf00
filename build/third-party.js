import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const LIBRARY = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;
const TERMS = /^(licen[cs]e|notice|copying)/i;
const COMMENT = /(?:^[ \t]*\/\/.*\n)+|\/\*[\s\S]*?\*\//gm;
const COPYRIGHT = /copyright|\(c\) \d{4}/i;

/**
 * Tells of every library whose code is in a bundle: its version, its licence, and the terms and notices that come with
 * it, also those that stand in its files alone: some hold code of others, and bundling drops comments.
 *
 * @param {import("esbuild").Metafile} metafile
 * @param {string} root of the paths in the metafile
 * @returns {string}
 */
export function thirdParty({ outputs }, root) {
  const lines = new Set();
  /** @type {Map<string, Set<string>>} */
  const librariesByText = new Map();
  for (const file of filesIn(outputs)) {
    const folder = LIBRARY.exec(file)?.[1];
    if (folder === undefined) continue;
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));
    lines.add(`${name} ${version}: ${license}`);
    for (const text of [...termsIn(join(root, folder)), ...noticesIn(join(root, file))]) {
      librariesByText.set(text, (librariesByText.get(text) ?? new Set()).add(name));
    }
  }
  const texts = [...librariesByText].map(([text, names]) => `${[...names].sort().join(", ")}\n\n${text}`);
  return (
    [
      `The programs in this package contain code of these libraries.\n\n${[...lines].sort().join("\n")}`,
      ...texts.sort(),
    ].join(`\n\n${"-".repeat(80)}\n\n`) + "\n"
  );
}

function filesIn(outputs) {
  const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  return new Set(inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file));
}

function termsIn(folder) {
  const files = readdirSync(folder).filter((file) => TERMS.test(file));
  return files.map((file) => readFileSync(join(folder, file), "utf8").trim());
}

function noticesIn(file) {
  const comments = [...readFileSync(file, "utf8").matchAll(COMMENT)].map(([comment]) => comment.trim());
  return comments.filter((comment) => COPYRIGHT.test(comment));
}
