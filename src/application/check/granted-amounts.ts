import type { Subject } from "../../domain/subject.js";
import { SubjectMap } from "../../domain/subject-map.js";
import { fitsInto } from "../../domain/usage/decimal.js";

interface Granted {
  amount: number;
  readonly since: number;
}

const DEFAULT_MAX_COUNTED = 100_000;

/** How much was granted without knowing, by feature and subject. Bounded: beyond the bound nothing more is granted until a time has passed. */
export class GrantedAmounts {
  readonly #maxCounted: number;
  #byFeature = new Map<string, SubjectMap<Granted>>();
  #counted = 0;
  #countedSince = -Infinity;

  constructor(maxCounted = DEFAULT_MAX_COUNTED) {
    this.#maxCounted = maxCounted;
  }

  /**
   * Grants an amount if all of it fits into what is left.
   *
   * @param perMs after which what was granted is forgotten, milliseconds
   * @param now epoch milliseconds
   */
  grant(featureId: string, subject: Subject, amount: number, limit: number, perMs: number, now: number): boolean {
    this.#forgetOld(perMs, now);
    if (!this.fits(featureId, subject, amount, limit, perMs, now)) return false;
    let ofFeature = this.#byFeature.get(featureId);
    const granted = ofFeature?.get(subject);
    if (granted !== undefined && isCounting(granted, perMs, now)) {
      granted.amount += amount;
      return true;
    }
    if (ofFeature === undefined) this.#byFeature.set(featureId, (ofFeature = new SubjectMap()));
    if (granted === undefined) this.#counted++;
    ofFeature.set(subject, { amount, since: now });
    return true;
  }

  /** Whether it would be granted; as for `grant`. */
  fits(featureId: string, subject: Subject, amount: number, limit: number, perMs: number, now: number): boolean {
    const granted = this.#byFeature.get(featureId)?.get(subject);
    if (granted === undefined && this.#counted >= this.#maxCounted) return false;
    return fitsInto(limit, granted !== undefined && isCounting(granted, perMs, now) ? granted.amount : 0, amount);
  }

  /** Once too many are counted, all are forgotten whose time is over: they were all first granted longer ago. */
  #forgetOld(perMs: number, now: number): void {
    if (this.#countedSince === -Infinity) this.#countedSince = now;
    if (this.#counted < this.#maxCounted || now - this.#countedSince < 2 * perMs) return;
    this.#byFeature = new Map();
    this.#counted = 0;
    this.#countedSince = now;
  }
}

function isCounting({ since }: Granted, perMs: number, now: number): boolean {
  return now - since < perMs && now >= since;
}
