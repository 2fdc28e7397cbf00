import type { UpdateListener, UpdateStream } from "../../ports/change-sources.js";
import type { CancelTimer, Clock } from "../../ports/clock.js";
import { type Logger, OutageLog } from "../../ports/logger.js";
import { DependencyState, type Telemetry } from "../../ports/telemetry.js";
import { FaultLog } from "../../wire/fault-log.js";
import { type ClientIdentity, identityHeaders } from "../../wire/request-headers.js";
import { saysThrottled } from "../../wire/upstream-errors.js";
import { DEFAULT_STREAM_TIMING, ReconnectSchedule, type StreamTiming } from "./reconnect-schedule.js";
import { SubscribedConnection } from "./subscribed-connection.js";
import { decodeEvent, type Subscription } from "./subscriptions.js";
import type { StreamFault } from "./websocket-client.js";

export interface WebSocketUpdateStreamConfig {
  readonly identity: ClientIdentity;
  /** ws or wss, without the path of the GraphQL endpoint. */
  readonly wsUrl: string;
  /** The largest message that is read, bytes. */
  readonly maxMessageBytes?: number;
  readonly timing?: Partial<StreamTiming>;
}

export interface WebSocketUpdateStreamParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly telemetry: Telemetry;
  /** From 0 (included) to 1 (excluded); by default Math.random. */
  readonly random?: () => number;
}

const DEFAULT_MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export function createWebSocketUpdateStream(
  config: WebSocketUpdateStreamConfig,
  parts: WebSocketUpdateStreamParts,
): UpdateStream {
  return new WebSocketUpdateStream(config, parts);
}

/** Upstream's changes over one WebSocket, which is opened again for ever; each gap is reported to the listener. */
class WebSocketUpdateStream implements UpdateStream {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #maxMessageBytes: number;
  readonly #timing: StreamTiming;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #outage: OutageLog;
  readonly #telemetry: Telemetry;
  readonly #faults: FaultLog;
  readonly #schedule: ReconnectSchedule;
  #listener: UpdateListener | undefined;
  #connection: SubscribedConnection | undefined;
  #cancelReconnect: CancelTimer | undefined;
  #cancelMarkingStale: CancelTimer | undefined;
  #onStopped: (() => void) | undefined;
  #isConnected = false;
  #wasEverConnected = false;

  constructor(config: WebSocketUpdateStreamConfig, parts: WebSocketUpdateStreamParts) {
    this.#url = endpointOf(config.wsUrl);
    this.#headers = identityHeaders(config.identity);
    this.#maxMessageBytes = config.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES;
    this.#timing = { ...DEFAULT_STREAM_TIMING, ...config.timing };
    this.#clock = parts.clock;
    this.#random = parts.random ?? Math.random;
    this.#outage = new OutageLog(parts.logger, new DependencyState("update_stream", parts.telemetry.dependencies));
    this.#telemetry = parts.telemetry;
    this.#faults = new FaultLog(parts.logger, parts.telemetry);
    this.#schedule = new ReconnectSchedule(this.#timing, this.#random);
  }

  start(listener: UpdateListener): void {
    this.#listener = listener;
    this.#connect();
  }

  stop(): Promise<void> {
    this.#listener = undefined;
    this.#cancelReconnect?.();
    this.#cancelMarkingStale?.();
    const connection = this.#connection;
    if (connection === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onStopped = resolve;
      connection.close();
    });
  }

  #connect(): void {
    this.#connection = new SubscribedConnection(
      { url: this.#url, headers: this.#headers, maxMessageBytes: this.#maxMessageBytes },
      this.#timing,
      this.#clock,
      this.#random,
      {
        established: () => this.#established(),
        interrupted: (subscription, reason) => this.#interrupted(subscription, reason),
        received: (subscription, result) => this.#received(subscription, result),
        closed: (fault) => this.#closed(fault),
      },
    );
  }

  #established(): void {
    this.#schedule.established(this.#clock.elapsed());
    this.#wasEverConnected = true;
    this.#isConnected = true;
    this.#telemetry.apiKeyState = "accepted";
    this.#outage.recovered("the update stream is connected: changes arrive as they happen");
    this.#listener?.connected();
  }

  #interrupted({ name }: Subscription, reason: string): void {
    this.#telemetry.networkRequestErrors++;
    if (saysThrottled(reason)) this.#logFault({ kind: "throttled", reason });
    else
      this.#outage.lost(
        "warn",
        "upstream ended a subscription, which is renewed",
        { subscription: name, reason },
        "interrupted",
      );
    this.#disconnected();
  }

  #received(subscription: Subscription, result: unknown): void {
    this.#telemetry.lastStreamMessageAt = this.#clock.now();
    const change = decodeEvent(subscription, result, (fault) =>
      this.#faults.add(`the event ${subscription.name}`, fault),
    );
    if (change === undefined) this.#markEverythingStaleSoon();
    else this.#listener?.changed(change);
  }

  #closed(fault: StreamFault): void {
    this.#connection = undefined;
    if (this.#listener === undefined) {
      this.#onStopped?.();
      return;
    }
    this.#count(fault);
    this.#logFault(fault);
    this.#disconnected();
    const delayMs = this.#schedule.delayAfter(fault.kind, this.#clock.elapsed());
    this.#cancelReconnect = this.#clock.after(delayMs, () => this.#connect());
  }

  #disconnected(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#listener?.disconnected();
  }

  /** An event whose subject cannot be read is a change missed, as in a gap; many of them are one gap. */
  #markEverythingStaleSoon(): void {
    this.#cancelMarkingStale ??= this.#clock.after(this.#timing.lostEventIntervalMs, () => {
      this.#cancelMarkingStale = undefined;
      if (!this.#isConnected) return;
      this.#listener?.disconnected();
      this.#listener?.connected();
    });
  }

  #count({ kind }: StreamFault): void {
    if (kind === "refused") {
      this.#telemetry.invalidApiKeyErrors++;
      this.#telemetry.apiKeyState = "refused";
    } else this.#telemetry.networkRequestErrors++;
    if (!this.#wasEverConnected) this.#telemetry.initializationErrors++;
  }

  #logFault({ kind, reason }: StreamFault): void {
    switch (kind) {
      case "refused":
        this.#outage.lost(
          "error",
          "the update stream refuses the API key: correct SERVER_API_KEY; it is tried again now and then",
          { reason },
          kind,
        );
        break;
      case "throttled":
        this.#outage.lost(
          "info",
          "the update stream is throttled by upstream, which is tried again later",
          { reason },
          kind,
        );
        break;
      case "lost":
        this.#outage.lost(
          "warn",
          "the update stream is lost and is opened again; until then cached states are refreshed by polling",
          { reason },
          kind,
        );
        break;
    }
  }
}

function endpointOf(wsUrl: string): string {
  const url = new URL(wsUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/graphql`;
  url.hash = "";
  return url.href;
}
