import { resolve } from "node:path";
import { setTimeout as elapse } from "node:timers/promises";
import { Child } from "../../../bench/processes/child.js";
import type { AttackReport, Target } from "../attack-class.js";
import { type AttackAnswer, type AttackOrder, WARM_UP } from "./attacker.js";

const WARM_UP_MS = 1_000;
/** What an attack may take beyond its time, to close what it has opened. */
const GRACE_MS = 60_000;

/** The process that attacks, begun anew when it has failed. */
export class AttackerProcess {
  #child: Promise<Child> | undefined;

  /** @throws Error where the attack itself failed */
  async attack(name: string, target: Target, ms: number): Promise<AttackReport> {
    this.#child ??= started();
    const child = await this.#child;
    const answered = child.message() as Promise<AttackAnswer>;
    child.send({ name, target, ms } satisfies AttackOrder);
    try {
      const answer = await Promise.race([
        answered,
        elapse(ms + GRACE_MS, { failure: "the attack did not end in time" }, { ref: false }),
      ]);
      if ("failure" in answer) throw new Error(answer.failure);
      return answer.report;
    } catch (error) {
      answered.catch(() => undefined);
      await this.stop();
      throw error;
    }
  }

  /** Honest calls of every kind. @throws Error where there could be none */
  async warmUp(target: Target): Promise<void> {
    await this.attack(WARM_UP, target, WARM_UP_MS);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await (await child)?.stop();
  }
}

async function started(): Promise<Child> {
  const child = Child.part(resolve(import.meta.dirname, "attacker.ts"), "serveAttacks", { core: "any" });
  await child.message();
  return child;
}
