import type { ConnectRule, EventRule, FaultRule, HttpRule } from "./fault-rules.js";
import { RuleList } from "./rule-list.js";

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
