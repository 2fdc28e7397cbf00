import type { Plugin } from "esbuild";

/** A fault to plant: a text that occurs once in one source file, and what takes its place. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly search: string;
  readonly replace: string;
}

export function mutated(mutant: Mutant, path: string, source: string): string | undefined;
export function plantingPlugin(mutant: Mutant): { readonly plugin: Plugin; readonly planted: () => boolean };
