import type { Change } from "../../domain/change.js";
import type { UpdateStream } from "../../ports/change-sources.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import { type CatalogControl, ControlEndpoint } from "./control-endpoint.js";
import { EdgeEndpoint, EdgeView } from "./edge-endpoint.js";
import { ApiKeyCheck, type EmulatorContext } from "./emulator-context.js";
import { EmulatorServer, type HttpHandler } from "./emulator-server.js";
import { EmulatorStats } from "./emulator-stats.js";
import { EmulatorFaults } from "./faults/emulator-faults.js";
import { FaultBoard } from "./faults/fault-rules.js";
import { GraphqlEndpoint } from "./graphql/graphql-endpoint.js";
import { operationRoots } from "./graphql/operation-roots.js";
import { EventHub } from "./subscriptions/event-feeds.js";
import { SubscriptionEndpoint } from "./subscriptions/subscription-endpoint.js";

export interface EmulatorOptions {
  /** Answers what is fetched and counts what is reported. */
  readonly upstream: UpstreamClient;
  /** Sends changes to subscribers. The emulator starts it, and stops it when it is stopped. */
  readonly updates: UpdateStream;
  /** The only API key that is valid; left out: any is. */
  readonly apiKey?: string | undefined;
  /** 0: any free one. */
  readonly port: number;
  /** Default: this machine alone. */
  readonly host?: string | undefined;
  /** Whether faults can be switched on and counts be read over HTTP, under /emulator. */
  readonly control?: boolean | undefined;
  /** What that can change besides; left out: no catalog. */
  readonly catalog?: CatalogControl | undefined;
  readonly clock?: { now(): number } | undefined;
  /** Notified of every change besides; the emulator stops it when it is stopped. */
  readonly announcements?: { announce(change: Change): void; stop(): Promise<void> } | undefined;
}

export interface Emulator {
  /** For API_URL and EDGE_API_URL. */
  readonly url: string;
  /** For WS_URL. */
  readonly wsUrl: string;
  readonly port: number;
  readonly faults: EmulatorFaults;
  readonly stats: EmulatorStats;
  /** Ends everything, cutting what is open. */
  stop(): Promise<void>;
}

const GOING_AWAY = 1012;

/**
 * The vendor's API, on one port, in front of any upstream: Edge, GraphQL, and subscriptions.
 *
 * @throws Error as node:net gives it where the port cannot be had
 */
export async function startEmulator(options: EmulatorOptions): Promise<Emulator> {
  const { upstream, updates, announcements, host = "127.0.0.1", clock = { now: () => Date.now() } } = options;
  const board = new FaultBoard();
  const stats = new EmulatorStats();
  const context: EmulatorContext = { upstream, apiKey: new ApiKeyCheck(options.apiKey), faults: board, stats, clock };
  const hub = new EventHub(board.events);
  const roots = operationRoots(context);
  const edgeView = new EdgeView(upstream);
  const subscriptions = new SubscriptionEndpoint(context, hub, roots);
  const edge = new EdgeEndpoint(context, edgeView);
  const graphql = new GraphqlEndpoint(context, roots);
  const control = new ControlEndpoint(stats, () => faults, options.catalog);
  const handlers: HttpHandler[] = [
    (request, response, target) => edge.handle(request, response, target),
    (request, response, target) => graphql.handle(request, response, target),
  ];
  if (options.control === true) handlers.push((request, response, target) => control.handle(request, response, target));
  const server = new EmulatorServer({
    handlers,
    upgrade: (request, socket, head) => subscriptions.upgrade(request, socket, head),
    host,
    port: options.port,
  });
  const faults: EmulatorFaults = new EmulatorFaults({ board, edgeView, subscriptions, server });
  await server.comeUp();
  updates.start({
    connected: () => undefined,
    changed: (change: Change) => {
      hub.publish(change);
      announcements?.announce(change);
    },
    // What is missed from here on can never be sent: whoever listens has to see a gap.
    disconnected: () => subscriptions.closeAll(GOING_AWAY, "The source of updates is gone"),
  });
  const authority = `${host.includes(":") ? `[${host}]` : host}:${server.port}`;
  return {
    url: `http://${authority}`,
    wsUrl: `ws://${authority}`,
    port: server.port,
    faults,
    stats,
    stop: async () => {
      faults.clear();
      subscriptions.stop();
      await server.goDown();
      await updates.stop();
      await announcements?.stop();
    },
  };
}
