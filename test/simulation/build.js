import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const ROOT = resolve(HERE, "../..");
const TRANSPORTS = join(HERE, "transports");

/** What the product reaches the machine by, and what stands in for it. The product's own code stays as it is. */
const VIRTUAL = [
  { of: /^undici\/lib\/dispatcher\/client\.js$/, in: /src\/adapters\/upstream\//, by: "http.ts" },
  { of: /^ws$/, in: /./, by: "websocket.ts" },
  { of: /^(node:)?http$/, in: /src\/adapters\/ops\//, by: "ops-http.ts" },
  { of: /package-version\.js$/, in: /src\//, by: "package-version.ts" },
  { of: /^@aws-sdk\/client-sqs$/, in: /src\//, by: "sqs-client.ts" },
  { of: /^ioredis$/, in: /./, by: "redis-client.ts" },
  { of: /^(node:)?crypto$/, in: /src\/(?!adapters\/rpc)|node_modules\//, by: "crypto.ts" },
  {
    of: /^node:fs\/promises$/,
    in: /src\/(?!adapters\/rpc)adapters\/(?:catalog\/|files\/place-of-file)/,
    by: "disk.ts",
  },
  // Whoever tells of a process for its operator is not simulated.
  { of: /^(node:)?perf_hooks$/, in: /src\/(?!adapters\/ops\/service-status)/, by: "perf-hooks.ts" },
  { of: /kernel-lock\.js$/, in: /src\/(?!adapters\/rpc)adapters\/catalog\//, by: "kernel-lock.ts" },
];

/** Bundled, since they take time and chance from globals; everything else of others is used as it is. */
const BUNDLED = /^(graphql-ws|quick-lru)$/;

const virtualMachines = (stoodIn) => ({
  name: "virtual-machines",
  setup({ onResolve }) {
    onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
      if (kind === "entry-point") return undefined;
      const by = VIRTUAL.find(
        (each) => each.of.test(path) && each.in.test(importer) && !importer.startsWith(TRANSPORTS),
      );
      if (by !== undefined) {
        stoodIn.add(by.by);
        return { path: join(TRANSPORTS, by.by) };
      }
      if (path.startsWith(".") || path.startsWith("/") || BUNDLED.test(path)) return undefined;
      return { path, external: true };
    });
  },
});

/**
 * Bundles the simulation with the product.
 *
 * @param name of the program
 * @param plugins what else happens to the sources, such as a fault that is planted in them
 * @returns the path of the program
 */
export async function buildSimulation(name, plugins = []) {
  const folder = join(ROOT, "node_modules", ".cache", "entitlement-sidecar", "simulation");
  mkdirSync(folder, { recursive: true });
  const program = join(folder, `${name}.mjs`);
  const stoodIn = new Set();
  await build({
    entryPoints: [join(HERE, "main.ts")],
    outfile: program,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    logLevel: "warning",
    sourcemap: "inline",
    inject: [join(HERE, "world", "injected.ts")],
    define: { "Math.random": "simRandom" },
    plugins: [virtualMachines(stoodIn), ...plugins],
  });
  // A file that was moved would reach the machine itself, and nobody would notice.
  const unused = VIRTUAL.filter(({ by }) => !stoodIn.has(by));
  if (unused.length > 0)
    throw new Error(`nothing is virtual by ${unused.map(({ by }) => by).join(", ")}: what it stands in for was moved`);
  return program;
}
