/**
 * Prints what an install of the package brings, in CycloneDX, with the locked versions.
 *
 * `npm sbom --omit=dev` leaves out whatever a tool of the development needs as well (ajv, ws, graphql: half of it), so the bill is
 * made of a copy of the manifest that knows no tools.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const manifest = {
  ...JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")),
  ...{ devDependencies: {}, overrides: {}, scripts: {} },
};

const top = mkdtempSync(join(tmpdir(), "bill-"));
try {
  // The bill names the package as the folder is named.
  const folder = join(top, manifest.name);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  for (const file of ["package-lock.json", ".npmrc"]) copyFileSync(join(ROOT, file), join(folder, file));
  const npm = (...args) => execFileSync("npm", args, { cwd: folder, encoding: "utf8", maxBuffer: 1 << 26 });
  npm("install", "--package-lock-only", "--ignore-scripts", "--offline");
  process.stdout.write(npm("sbom", "--package-lock-only", "--sbom-format", "cyclonedx", "--sbom-type", "application"));
} finally {
  rmSync(top, { recursive: true, force: true });
}
