/** Exact sums of decimal numbers, as fractions of a power of ten: 0.1 is one tenth, as whoever wrote it meant. */
interface Exact {
  readonly units: bigint;
  /** One unit is 10^-places. */
  readonly places: number;
}

function exact(value: number): Exact {
  const [mantissa = "0", power = "0"] = String(value).split("e");
  const point = mantissa.indexOf(".");
  const places = (point < 0 ? 0 : mantissa.length - point - 1) - Number(power);
  const units = BigInt(mantissa.replace(".", ""));
  return places < 0 ? { units: units * 10n ** BigInt(-places), places: 0 } : { units, places };
}

function scaled({ units, places }: Exact, to: number): bigint {
  return units * 10n ** BigInt(to - places);
}

/** A running total that is rounded only when it is read. */
export class Total {
  #sum: Exact = { units: 0n, places: 0 };

  constructor(start = 0) {
    this.add(start);
  }

  add(value: number, times = 1): this {
    const a = exact(value);
    const b = exact(times);
    return this.#plus({ units: a.units * b.units, places: a.places + b.places });
  }

  /** The same without rounding. @param sign -1: subtracts it */
  plus(other: Total, sign: 1 | -1 = 1): this {
    return this.#plus({ units: other.#sum.units * BigInt(sign), places: other.#sum.places });
  }

  copy(): Total {
    return new Total().plus(this);
  }

  /** Below 0, 0 or above. */
  get sign(): number {
    return this.#sum.units < 0n ? -1 : this.#sum.units > 0n ? 1 : 0;
  }

  get value(): number {
    return Number(`${this.#sum.units}e-${this.#sum.places}`);
  }

  /** As many times as much. */
  times(factor: number): Total {
    const { units, places } = exact(factor);
    return new Total().#plus({ units: this.#sum.units * units, places: this.#sum.places + places });
  }

  #plus(other: Exact): this {
    const places = Math.max(this.#sum.places, other.places);
    this.#sum = { units: scaled(this.#sum, places) + scaled(other, places), places };
    return this;
  }
}

/** Whether used + requested × rate <= limit. */
export function fits(limit: number, used: number, requested: number, rate = 1): boolean {
  return new Total(used).add(requested, rate).add(limit, -1).sign <= 0;
}
