import { setPriority } from "node:os";
import { Attack } from "../attack.js";
import type { AttackReport, Target } from "../attack-class.js";
import { ATTACK_CLASSES } from "../classes/all-classes.js";
import { honestCalls } from "../honest-calls.js";

export interface AttackOrder {
  readonly name: string;
  readonly target: Target;
  readonly ms: number;
}

/** What the attacking process answers to an order. */
export type AttackAnswer = { readonly report: AttackReport } | { readonly failure: string };

/** Ordered like an attack: honest calls of every kind. */
export const WARM_UP = "warm-up";

/** The client that is watched has to have the processor whenever it wants it. */
const LOW_PRIORITY = 10;

/** Attacks as it is ordered to, one attack at a time, in a process of its own. */
export function serveAttacks(): void {
  setPriority(LOW_PRIORITY);
  process.on("disconnect", () => process.exit());
  process.on("message", (order: AttackOrder) => {
    void carryOut(order).then((answer) => process.send?.(answer));
  });
  process.send?.({ isReady: true });
}

async function carryOut({ name, target, ms }: AttackOrder): Promise<AttackAnswer> {
  const attack = new Attack(target, ms);
  try {
    if (name === WARM_UP) await honestCalls(attack);
    else await ATTACK_CLASSES.find((each) => each.name === name)?.run(attack);
    return { report: await attack.end() };
  } catch (error) {
    await attack.end();
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
