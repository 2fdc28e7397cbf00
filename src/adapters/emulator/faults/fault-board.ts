import type { ConnectRule, EventRule, FaultRule, HttpRule } from "./fault-rules.js";

/** Every fault that is switched on, for those who have to act on it. */
export class FaultBoard {
  readonly edge = new RuleList<HttpRule>();
  readonly api = new RuleList<HttpRule>();
  readonly ws = new RuleList<ConnectRule>();
  readonly events = new RuleList<EventRule>();

  get active(): readonly FaultRule[] {
    return [...this.edge.active, ...this.api.active, ...this.ws.active, ...this.events.active];
  }

  /** @returns switches it off */
  inject(rule: FaultRule): () => void {
    switch (rule.target) {
      case "edge":
      case "api":
        return this[rule.target].add(rule);
      case "ws":
        return this.ws.add(rule);
      case "events":
        return this.events.add(rule);
    }
  }

  clear(): void {
    for (const list of [this.edge, this.api, this.ws, this.events]) list.clear();
  }
}

/** A rule that strikes now. */
export interface Struck<Rule> {
  readonly rule: Rule;
  /** Resolves once the rule is switched off. */
  readonly off: Promise<void>;
}

interface ListedRule<Rule> extends Struck<Rule> {
  left: number;
  readonly switchOff: () => void;
}

/** The faults of one kind that are switched on. The oldest one that fits strikes, alone. */
export class RuleList<Rule extends { readonly times?: number }> {
  readonly #rules = new Set<ListedRule<Rule>>();

  get active(): readonly Rule[] {
    return [...this.#rules].filter(({ left }) => left > 0).map(({ rule }) => rule);
  }

  /** @returns switches it off, which also lets go of what it held */
  add(rule: Rule): () => void {
    let release: () => void = () => undefined;
    const off = new Promise<void>((resolve) => (release = resolve));
    const listed: ListedRule<Rule> = {
      rule,
      off,
      left: rule.times ?? Infinity,
      switchOff: () => {
        this.#rules.delete(listed);
        release();
      },
    };
    this.#rules.add(listed);
    return listed.switchOff;
  }

  /** Finds what strikes, and counts it. */
  strike(fits: (rule: Rule) => boolean): Struck<Rule> | undefined {
    for (const listed of this.#rules) {
      if (listed.left <= 0 || !fits(listed.rule)) continue;
      listed.left -= 1;
      return listed;
    }
    return undefined;
  }

  clear(): void {
    for (const { switchOff } of [...this.#rules]) switchOff();
  }
}
