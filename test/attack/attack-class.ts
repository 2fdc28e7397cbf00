import type { Attack } from "./attack.js";

/** One kind of abuse. */
export interface AttackClass {
  /** As it is asked for on the command line. */
  readonly name: string;
  /** What is sent. */
  readonly title: string;
  /** How long it takes at the least to be what it is called, where that is long; a smoke run does without. */
  readonly leastMs?: number;
  /** Runs until `attack.isOver`, and leaves nothing open that `attack` does not know. */
  readonly run: (attack: Attack) => Promise<void>;
}

/** Where an attack goes: the ports of one server on 127.0.0.1. */
export interface Target {
  /** HTTP/2 with prior knowledge. */
  readonly http2Port: number;
  /** HTTP/1.1; the same port where the server serves both on one. */
  readonly http1Port: number;
  readonly tlsPort: number;
}

/** What was done, as the attacking process reports it. */
export interface AttackReport {
  readonly connections: number;
  readonly bytes: number;
  /** Calls of callers without fault on attacked connections, and how many of them were answered. */
  readonly innocents: { readonly opened: number; readonly answered: number };
  /** Answers that no server should have given. */
  readonly violations: readonly string[];
}
