/** `npm run simulate -- --seed N --days D [--shrink]`: a fleet in virtual time, under the faults of a seed. */
import { pathToFileURL } from "node:url";
import { buildSimulation } from "./build.js";

const { main } = await import(pathToFileURL(await buildSimulation("program")).href);
process.exitCode = await main(process.argv.slice(2));
