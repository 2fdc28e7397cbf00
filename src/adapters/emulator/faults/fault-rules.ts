import { Ajv2020 } from "ajv/dist/2020.js";
import { CHANGE_TYPES, type ChangeType } from "../../../domain/change.js";
import type { HttpFault } from "../../../ports/upstream-client.js";

/** What a WebSocket that is being opened can be made to suffer. */
export type ConnectFault =
  | { readonly kind: "upgrade-hang" }
  | { readonly kind: "upgrade-status"; readonly status: number }
  | { readonly kind: "ack-hang" }
  /** Closed in answer to connection_init. */
  | { readonly kind: "refuse"; readonly code: number; readonly reason: string };

/** What can happen to an event on its way to all subscribers. */
export type EventFault =
  | { readonly kind: "drop" }
  /** The event's field is null. */
  | { readonly kind: "null-payload" }
  /** The list in the event is null; an event without a list is null itself. */
  | { readonly kind: "null-list" }
  /** GraphQL errors in place of data. */
  | { readonly kind: "event-errors"; readonly message: string }
  /** Sent after the event that comes next. */
  | { readonly kind: "reorder" }
  /** Kept back, with all that come after it, until the fault is switched off. */
  | { readonly kind: "hold" };

interface FaultScope {
  /** How often it strikes; left out: until it is switched off. */
  readonly times?: number;
}

/** Strikes requests of one interface: all, or those of one operation (`ReportUsage`, `entitlements-state.json`, …). */
export type HttpRule = { readonly target: "edge" | "api"; readonly operation?: string } & HttpFault & FaultScope;
/** Strikes WebSockets that are being opened. */
export type ConnectRule = { readonly target: "ws" } & ConnectFault & FaultScope;
/** Strikes events: all, or those of one type of change. */
export type EventRule = {
  readonly target: "events";
  readonly change?: ChangeType;
} & EventFault &
  FaultScope;

export type FaultRule = HttpRule | ConnectRule | EventRule;

const TIMES = { type: "integer", minimum: 1 };
const TEXT = { type: "string" };
const HTTP = { target: { enum: ["edge", "api"] }, operation: TEXT, times: TIMES };
const WS = { target: { const: "ws" }, times: TIMES };
const EVENTS = {
  target: { const: "events" },
  change: { enum: CHANGE_TYPES },
  times: TIMES,
};

type Fields = Readonly<Record<string, object>>;

/** Every fault by its target and kind: the fields that it must have, and those that it may have. */
const SHAPES: readonly object[] = [
  shape(HTTP, "delay", { ms: { type: "number", minimum: 0, maximum: 2 ** 31 - 1 } }),
  shape(HTTP, "hold"),
  shape(HTTP, "hang"),
  shape(HTTP, "status", { status: { type: "integer", minimum: 200, maximum: 599 } }, { body: TEXT }),
  shape(HTTP, "reset", { when: { enum: ["before-effect", "after-effect"] } }),
  shape(HTTP, "malformed", {}, { body: TEXT }),
  shape(HTTP, "truncated"),
  shape(HTTP, "errors", { code: TEXT, message: TEXT }),
  shape(WS, "upgrade-hang"),
  shape(WS, "upgrade-status", { status: { type: "integer", minimum: 200, maximum: 599 } }),
  shape(WS, "ack-hang"),
  shape(WS, "refuse", {
    code: { type: "integer", minimum: 3000, maximum: 4999 },
    reason: { type: "string", maxLength: 123 },
  }),
  ...(["drop", "null-payload", "null-list", "reorder", "hold"] as const).map((kind) => shape(EVENTS, kind)),
  shape(EVENTS, "event-errors", { message: TEXT }),
];

const validate = new Ajv2020().compile<FaultRule>({ oneOf: SHAPES });

/** Reads a fault from JSON text, or tells what is wrong with it. */
export function checkFaultRule(text: string): { readonly rule: FaultRule } | { readonly wrong: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return {
      wrong: 'send a fault as JSON, for example {"target": "edge", "kind": "status", "status": 503, "times": 2}',
    };
  }
  if (validate(value)) return { rule: value };
  return {
    wrong: `this is no fault; faults are ${SHAPES.map((each) => JSON.stringify((each as { properties: object }).properties)).join(", ")}`,
  };
}

function shape(common: Fields, kind: string, required: Fields = {}, optional: Fields = {}): object {
  return {
    type: "object",
    properties: { kind: { const: kind }, ...common, ...required, ...optional },
    required: ["target", "kind", ...Object.keys(required)],
    additionalProperties: false,
  };
}

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
