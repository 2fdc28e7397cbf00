/**
 * Writes each program that is run into few files, with the libraries that each start needs. Node takes longer to find and link a
 * thousand modules than everything else takes until the service is ready, and they are a fifth of its memory when idle.
 */
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import makeInspectorPages from "./inspector-pages.js";
import { thirdParty } from "./third-party.js";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const BUNDLE = "dist/bundle";

/** Not needed in each start, so they stay packages: some are optional, some ask for the names of classes, which bundling changes. */
const PACKAGES = [
  "@aws-sdk/client-sqs",
  "@sentry/core",
  "fs-native-extensions",
  "graphql",
  "graphql-ws",
  "ioredis",
  "ws",
];

/** @type {import("esbuild").BuildOptions} */
const COMMON = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: "node",
  target: "node20.19",
  external: PACKAGES,
  // One character beyond Latin-1, and V8 keeps the text of the whole file in twice the memory.
  charset: "ascii",
  legalComments: "none",
  metafile: true,
  logLevel: "warning",
};

const { metafile } = await build({
  ...COMMON,
  entryPoints: ["cli", "persistent-cache"].map((program) => `src/bootstrap/${program}.ts`),
  outbase: "src",
  outdir: "dist",
  chunkNames: "bundle/[name]-[hash]",
  // What only one mode or command needs stays in files of its own.
  splitting: true,
  format: "esm",
  // Libraries in CommonJS ask for Node's own modules, and try whether optional ones are there.
  banner: {
    js: 'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);',
  },
});

/** For require(): without import(), which some test runners cannot answer, and so in one file. */
const { metafile: testing } = await build({
  ...COMMON,
  entryPoints: ["src/public/testing.ts"],
  outfile: "dist/public/testing.cjs",
  format: "cjs",
  supported: { "dynamic-import": false },
  define: { "import.meta.url": "importMetaUrl" },
  banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
});
const { outputs: pages } = await makeInspectorPages();
writeFileSync(
  join(ROOT, BUNDLE, "THIRD-PARTY.txt"),
  thirdParty({ outputs: { ...metafile.outputs, ...testing.outputs, ...pages } }, ROOT),
);

// Only now: a program that is started meanwhile finds its files.
for (const file of readdirSync(join(ROOT, BUNDLE))) {
  if (file.endsWith(".js") && !(`${BUNDLE}/${file}` in metafile.outputs)) rmSync(join(ROOT, BUNDLE, file));
}

await writeHealthCheck();

/** The image's health check, with the defaults of the settings that it follows: two sets of them would part. */
async function writeHealthCheck() {
  const [{ SETTINGS }, { PERSISTENT_CACHE_SETTINGS }] = await Promise.all(
    ["config/settings/settings.js", "persistent-cache/settings.js"].map(
      (module) => import(new URL(`../dist/bootstrap/${module}`, import.meta.url).href),
    ),
  );
  const defaults = new Map(Object.values(SETTINGS).map(({ name, defaultText }) => [name, defaultText]));
  defaults.set("persistent-cache PORT", PERSISTENT_CACHE_SETTINGS.port.defaultText);
  const script = readFileSync(join(ROOT, "build/healthcheck.sh"), "utf8")
    .split("\n")
    .filter((line) => !line.startsWith("# build/"))
    .join("\n")
    .replace(/\{\{([^}]+)\}\}/g, (_, name) => {
      const text = defaults.get(name);
      if (text === undefined)
        throw new Error(`build/healthcheck.sh asks for the default of ${name}, which is no setting`);
      return text;
    });
  writeFileSync(join(ROOT, "dist/healthcheck.sh"), script);
  chmodSync(join(ROOT, "dist/healthcheck.sh"), 0o755);
}
