import type { ChangeType } from "../../../domain/change.js";
import type { HttpFault } from "../../../ports/http-faults.js";

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

export interface FaultScope {
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
