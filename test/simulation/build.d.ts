import type { Plugin } from "esbuild";

export function buildSimulation(name: string, plugins?: readonly Plugin[]): Promise<string>;
