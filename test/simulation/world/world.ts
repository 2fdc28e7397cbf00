import { Random } from "../../model/random.js";
import { Network } from "./network.js";
import { Scheduler } from "./scheduler.js";
import type { SimProcess } from "./sim-process.js";

/** Where everything happens: time, chance, the network, and clocks that may be wrong. */
export class World {
  /** When it begins, epoch milliseconds. */
  static readonly EPOCH = globalThis.Date.UTC(2026, 2, 30, 6);
  readonly scheduler = new Scheduler();
  /** Of the virtual machines: what the product's own code takes for chance. */
  readonly chance: Random;
  readonly network: Network;
  /** By host, milliseconds that its wall clock is ahead. */
  readonly clockOffsets = new Map<string, number>();

  constructor(seed: number) {
    const random = new Random(seed);
    this.chance = random.fork();
    this.network = new Network(this.scheduler, random.fork());
  }

  /** True time, epoch milliseconds. */
  get now(): number {
    return World.EPOCH + Math.floor(this.scheduler.now / 1_000);
  }

  /** What the wall clock of a process says, epoch milliseconds. */
  wallClockOf(process: SimProcess | undefined): number {
    return this.now + (process === undefined ? 0 : (this.clockOffsets.get(process.host) ?? 0));
  }
}

let active: World | undefined;

/** The world that the virtual machines of this run live in: one at a time. */
export function activate(world: World): void {
  active = world;
}

export function theWorld(): World {
  if (active === undefined) throw new Error("there is no simulation under way");
  return active;
}
