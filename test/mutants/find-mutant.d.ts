import type { Mutant } from "./plant.js";

export const MUTANTS: readonly Mutant[];
export function findMutant(name: string): Mutant;
