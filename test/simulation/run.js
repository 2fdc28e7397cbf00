/** `npm run simulate -- --seed N --days D [--shrink] [--mutant NAME]`: a fleet in virtual time, under the faults of a seed. */
import { pathToFileURL } from "node:url";
import { findMutant } from "../mutants/find-mutant.js";
import { plantingPlugin } from "../mutants/plant.js";
import { buildSimulation } from "./build.js";

const args = process.argv.slice(2);
const mutantAt = args.indexOf("--mutant");
const mutant = mutantAt < 0 ? undefined : findMutant(args[mutantAt + 1]);
const planting = mutant === undefined ? undefined : plantingPlugin(mutant);
const program = await buildSimulation(`program-${process.pid}`, planting === undefined ? [] : [planting.plugin]);
if (planting?.planted() === false) throw new Error(`the mutant ${mutant.name} does not fit the sources any more`);
const { main } = await import(pathToFileURL(program).href);
process.exitCode = await main(args);
