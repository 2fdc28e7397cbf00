import type { IncomingMessage, ServerResponse } from "node:http";
import { CodedError } from "../../domain/errors.js";
import type { EmulatorStats, TargetCounts } from "./emulator-stats.js";
import type { EmulatorFaults } from "./faults/emulator-faults.js";
import { checkFaultRule } from "./faults/fault-rules.js";
import { type HttpAnswer, jsonAnswer, readBody, type RequestTarget, sendAnswer } from "./http-answer.js";

const PREFIX = "/emulator/";

/** What the emulator serves from, where that can be changed from outside. Each resolves once subscribers are notified. */
export interface CatalogControl {
  /** @throws CodedError `invalid-argument` with every fault; then the present catalog goes on serving */
  replace(text: string): Promise<void>;
  /** Serves the file as it is now. @throws CodedError as `replace` does */
  restore(): Promise<void>;
}

/** For tests in other languages: switches faults on, changes the catalog and tells what was seen, over HTTP. */
export class ControlEndpoint {
  readonly #stats: EmulatorStats;
  readonly #faults: () => EmulatorFaults;
  readonly #catalog: CatalogControl | undefined;

  constructor(stats: EmulatorStats, faults: () => EmulatorFaults, catalog?: CatalogControl) {
    this.#stats = stats;
    this.#faults = faults;
    this.#catalog = catalog;
  }

  /** @returns undefined where the path is not the control's */
  handle(
    request: IncomingMessage,
    response: ServerResponse,
    { path, query }: RequestTarget,
  ): Promise<void> | undefined {
    if (!path.startsWith(PREFIX)) return undefined;
    return this.#answer(`${request.method ?? "GET"} ${path.slice(PREFIX.length)}`, request, query).then((answer) =>
      sendAnswer(response, answer),
    );
  }

  async #answer(call: string, request: IncomingMessage, query: URLSearchParams): Promise<HttpAnswer> {
    const faults = this.#faults();
    switch (call) {
      case "GET stats":
        return jsonAnswer(200, describe(this.#stats));
      case "GET faults":
        return jsonAnswer(200, { active: faults.active });
      case "POST faults": {
        const checked = checkFaultRule((await readBody(request)) ?? "");
        if ("wrong" in checked) return jsonAnswer(400, { error: checked.wrong });
        faults.inject(checked.rule);
        return jsonAnswer(200, { active: faults.active });
      }
      case "DELETE faults":
        faults.clear();
        return jsonAnswer(200, { active: faults.active });
      case "PUT catalog": {
        const text = await readBody(request);
        if (text === undefined) return jsonAnswer(413, { error: "the catalog is too large: write it to the file" });
        return this.#changeCatalog((catalog) => catalog.replace(text));
      }
      case "DELETE catalog":
        return this.#changeCatalog((catalog) => catalog.restore());
      case "POST edge-lag":
        faults.lagEdge();
        return jsonAnswer(200, {});
      case "POST close-sockets":
        return closeSockets(faults, Number(query.get("code") ?? "1001"), query.get("reason") ?? "");
      case "POST reset-sockets":
        faults.resetSockets();
        return jsonAnswer(200, {});
      case "POST half-open-sockets":
        faults.halfOpenSockets();
        return jsonAnswer(200, {});
      case "POST complete-subscriptions":
        faults.completeSubscriptions();
        return jsonAnswer(200, {});
      default:
        return jsonAnswer(404, {
          error: `There is no ${call}. There is GET stats; GET, POST and DELETE faults; PUT and DELETE catalog; POST edge-lag, close-sockets?code=&reason=, reset-sockets, half-open-sockets, complete-subscriptions.`,
        });
    }
  }

  async #changeCatalog(change: (catalog: CatalogControl) => Promise<void>): Promise<HttpAnswer> {
    if (this.#catalog === undefined) return jsonAnswer(404, { error: "this emulator has no catalog to change" });
    try {
      await change(this.#catalog);
      return jsonAnswer(200, {});
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      return jsonAnswer(400, { error: error.message });
    }
  }
}

function closeSockets(faults: EmulatorFaults, code: number, reason: string): HttpAnswer {
  const isAllowed =
    code === 1000 ||
    (code >= 1001 && code <= 1014 && ![1004, 1005, 1006].includes(code)) ||
    (code >= 3000 && code <= 4999);
  if (!Number.isInteger(code) || !isAllowed)
    return jsonAnswer(400, { error: "code must be one that may be sent: 1000 to 1014 or 3000 to 4999" });
  if (Buffer.byteLength(reason) > 123) return jsonAnswer(400, { error: "reason must not be longer than 123 bytes" });
  faults.closeSockets(code, reason);
  return jsonAnswer(200, {});
}

function describe(stats: EmulatorStats) {
  const { sockets, upgrades, overruns, refusedKeys } = stats;
  return {
    edge: describeTarget(stats.edge),
    api: describeTarget(stats.api),
    sockets,
    upgrades,
    overruns,
    refusedKeys,
    subscriptions: Object.fromEntries(stats.subscriptions),
    events: Object.fromEntries(stats.events),
    reports: stats.reports.length,
  };
}

function describeTarget({ requests, inFlight, maxInFlight, byOperation }: TargetCounts) {
  return { requests, inFlight, maxInFlight, byOperation: Object.fromEntries(byOperation) };
}
