import { readFileSync } from "node:fs";
import { basename } from "node:path";

/** The mutant's text of a source file; undefined: it does not concern the file. */
export function mutated(mutant, path, source) {
  if (basename(path) !== mutant.file || !/[\\/]src[\\/]/.test(path)) return undefined;
  const parts = source.split(mutant.search);
  if (parts.length !== 2) return undefined;
  return parts.join(mutant.replace);
}

/** Plants a fault in what esbuild bundles. `planted()` tells whether it was met. */
export function plantingPlugin(mutant) {
  let isPlanted = false;
  return {
    planted: () => isPlanted,
    plugin: {
      name: "mutant",
      setup({ onLoad }) {
        onLoad({ filter: new RegExp(`${mutant.file.replaceAll(".", "\\.")}$`) }, ({ path }) => {
          const contents = mutated(mutant, path, readFileSync(path, "utf8"));
          if (contents === undefined) return undefined;
          isPlanted = true;
          return { contents, loader: "ts" };
        });
      },
    },
  };
}
