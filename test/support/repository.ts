import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of this repository. */
export const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

export const PROTO_DIRECTORY = join(REPOSITORY, "proto");

/** Outlives a run, and is gone with node_modules: for what takes long to fetch. */
export const CACHE_DIRECTORY = join(REPOSITORY, "node_modules", ".cache", "entitlement-sidecar", "interop");
