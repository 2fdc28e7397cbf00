import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { EdgeView } from "../edge/edge-view.js";
import type { EmulatorServer } from "../emulator-server.js";
import {
  apiError,
  errorsBody,
  halfOf,
  type HttpAnswer,
  jsonAnswer,
  sendAnswer,
  sendTruncated,
} from "../http-answer.js";
import type { SubscriptionField } from "../subscriptions/event-feeds.js";
import type { SubscriptionEndpoint } from "../subscriptions/subscription-endpoint.js";
import type { FaultBoard, Struck } from "./fault-board.js";
import type { FaultRule, HttpRule } from "./fault-rules.js";

export interface FaultSubjects {
  readonly board: FaultBoard;
  readonly edgeView: EdgeView;
  readonly subscriptions: SubscriptionEndpoint;
  readonly server: EmulatorServer;
}

/** Everything that can be made to go wrong, for tests of how clients bear it. */
export class EmulatorFaults {
  readonly #subjects: FaultSubjects;

  constructor(subjects: FaultSubjects) {
    this.#subjects = subjects;
  }

  get active(): readonly FaultRule[] {
    return this.#subjects.board.active;
  }

  /** Switches a fault on. @returns switches it off, which lets go of what it held */
  inject(rule: FaultRule): () => void {
    return this.#subjects.board.inject(rule);
  }

  /** Edge tells what it told last, whatever has changed since. @returns lets it catch up */
  lagEdge(): () => void {
    const { edgeView } = this.#subjects;
    edgeView.lag(true);
    return () => edgeView.lag(false);
  }

  /** Closes every WebSocket in the orderly way. */
  closeSockets(code: number, reason: string): void {
    this.#subjects.subscriptions.closeAll(code, reason);
  }

  /** Resets every WebSocket's connection. */
  resetSockets(): void {
    this.#subjects.subscriptions.resetAll();
  }

  /** Every WebSocket that is open neither reads nor writes from now on, without telling its client. */
  halfOpenSockets(): void {
    this.#subjects.subscriptions.halfOpenAll();
  }

  /** Ends subscriptions while their sockets stay open: those of one field, or all. */
  completeSubscriptions(field?: SubscriptionField): void {
    this.#subjects.subscriptions.completeAll(field);
  }

  /** Refuses and cuts every connection, as when the process is gone. Changes meanwhile are lost to subscribers. */
  goDown(): Promise<void> {
    return this.#subjects.server.goDown();
  }

  /** Listens again, at the same port. */
  comeBack(): Promise<void> {
    return this.#subjects.server.comeUp();
  }

  /** Switches off every fault that lasts. Does not bring back what is down. */
  clear(): void {
    this.#subjects.board.clear();
    this.#subjects.edgeView.lag(false);
  }
}

/** Answers a request, or lets the fault that strikes it have its way. Never rejects on account of the client. */
export async function answerUnderFaults(
  request: IncomingMessage,
  response: ServerResponse,
  struck: Struck<HttpRule> | undefined,
  workOut: () => Promise<HttpAnswer>,
): Promise<void> {
  if (struck === undefined) {
    sendAnswer(response, await workOut());
    return;
  }
  const { rule, off } = struck;
  switch (rule.kind) {
    case "delay": {
      const answer = await workOut();
      await Promise.race([delay(rule.ms, undefined, { ref: false }), off]);
      sendAnswer(response, answer);
      return;
    }
    case "hold": {
      const answer = await workOut();
      await off;
      sendAnswer(response, answer);
      return;
    }
    case "hang":
      return;
    case "status":
      sendAnswer(response, {
        status: rule.status,
        body: rule.body ?? JSON.stringify(errorsBody(apiError(`HTTP ${rule.status}`, "UnexpectedError"))),
      });
      return;
    case "reset":
      if (rule.when === "after-effect") await workOut();
      request.socket.resetAndDestroy();
      return;
    case "malformed": {
      const answer = await workOut();
      sendAnswer(response, { status: 200, body: rule.body ?? halfOf(answer.body) });
      return;
    }
    case "truncated":
      sendTruncated(response, await workOut());
      return;
    case "errors":
      sendAnswer(response, jsonAnswer(200, errorsBody(apiError(rule.message, rule.code))));
      return;
  }
}
