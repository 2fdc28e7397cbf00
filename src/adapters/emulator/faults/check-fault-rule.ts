import { Ajv2020 } from "ajv/dist/2020.js";
import { CHANGE_TYPES } from "../../../domain/change.js";
import type { FaultRule } from "./fault-rules.js";

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
