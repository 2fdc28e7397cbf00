import { simPerformance } from "../world/globals.js";
import { theWorld } from "../world/world.js";

/** What stands in for node:perf_hooks: how long the process has waited in all for something to do, milliseconds. */
export const performance = {
  ...simPerformance,
  eventLoopUtilization: (): { readonly idle: number } => ({ idle: (theWorld().scheduler.current?.idle ?? 0) / 1_000 }),
};
