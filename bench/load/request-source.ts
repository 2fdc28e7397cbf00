import { type Call, type CallName, callsOf } from "./calls.js";
import { type KeyDistribution, KeySequence, randomNumbers } from "./key-sequence.js";

const FEATURE_DRAWS = 65_521;
const SEED = 7;

export interface RequestSourceOptions {
  /** Called in turn. */
  readonly calls: readonly CallName[];
  readonly keys: KeyDistribution;
  readonly customers: number;
}

/** What is asked next, by all connections together. Read from its fields after `advance`, so that nothing is allocated. */
export class RequestSource {
  readonly calls: readonly Call[];
  call = 0;
  customer = 0;
  feature = 0;
  readonly #keys: KeySequence;
  readonly #features: readonly Uint8Array[];
  readonly #isOne: boolean;
  #drawn = 0;

  constructor({ calls, keys, customers }: RequestSourceOptions) {
    this.calls = callsOf(calls);
    this.#keys = new KeySequence(keys, customers);
    this.#isOne = keys === "one";
    const random = randomNumbers(SEED);
    this.#features = this.calls.map(({ features }) =>
      Uint8Array.from({ length: FEATURE_DRAWS }, () => features[Math.floor(random() * features.length)]!),
    );
  }

  advance(): void {
    if (++this.call === this.calls.length) this.call = 0;
    if (++this.#drawn === FEATURE_DRAWS) this.#drawn = 0;
    this.customer = this.#keys.next();
    this.feature = this.#features[this.call]![this.#isOne ? 0 : this.#drawn]!;
  }
}
