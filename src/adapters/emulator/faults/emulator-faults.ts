import type { EdgeView } from "../edge-endpoint.js";
import type { EmulatorServer } from "../emulator-server.js";
import type { SubscriptionField } from "../subscriptions/event-feeds.js";
import type { SubscriptionEndpoint } from "../subscriptions/subscription-endpoint.js";
import type { FaultBoard, FaultRule } from "./fault-rules.js";

interface FaultSubjects {
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
