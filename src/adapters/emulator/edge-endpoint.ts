import type { IncomingMessage, ServerResponse } from "node:http";
import type { CustomerState } from "../../domain/customer-state.js";
import { CodedError, type ErrorCode } from "../../domain/errors.js";
import type { Subject } from "../../domain/subject.js";
import type { UpstreamClient } from "../../ports/upstream-client.js";
import { type EmulatorContext, fetchKnownState } from "./emulator-context.js";
import { encodeEntitlementsV2, encodeOlderEntitlements } from "./encoding/encode-state.js";
import { SDK_CONFIGURATION } from "./graphql/operation-roots.js";
import {
  answerUnderFaults,
  apiErrorOf,
  errorsBody,
  type HttpAnswer,
  invalidKeyError,
  jsonAnswer,
  type RequestTarget,
} from "./http-answer.js";

/** Bounds what a long run remembers. */
const MAX_CUSTOMERS = 20_000;

/**
 * States as Edge tells them: the present ones, or while it lags those that it told last. What it never
 * told before it began to lag stands still from the first time that it is asked.
 */
export class EdgeView {
  readonly #upstream: UpstreamClient;
  readonly #served = new Map<string, Map<string | undefined, CustomerState>>();
  #isLagging = false;

  constructor(upstream: UpstreamClient) {
    this.#upstream = upstream;
  }

  lag(isLagging: boolean): void {
    this.#isLagging = isLagging;
  }

  async fetch(subject: Subject, signal: AbortSignal): Promise<CustomerState> {
    const served = this.#isLagging ? this.#served.get(subject.customerId)?.get(subject.resourceId) : undefined;
    if (served !== undefined) return served;
    const state = await fetchKnownState(this.#upstream, subject, { signal, latest: false });
    this.#remember(subject, state);
    return state;
  }

  #remember({ customerId, resourceId }: Subject, state: CustomerState): void {
    const states = this.#served.get(customerId) ?? new Map<string | undefined, CustomerState>();
    states.set(resourceId, state);
    this.#served.delete(customerId);
    this.#served.set(customerId, states);
    for (const oldest of this.#served.keys()) {
      if (this.#served.size <= MAX_CUSTOMERS) break;
      this.#served.delete(oldest);
    }
  }
}

const EDGE_STATUS: Readonly<Record<ErrorCode, number>> = {
  "invalid-argument": 400,
  "not-found": 404,
  "failed-precondition": 400,
  unauthenticated: 401,
  "permission-denied": 403,
  "resource-exhausted": 429,
  "deadline-exceeded": 504,
  cancelled: 499,
  unavailable: 503,
  internal: 500,
};

// Greedy, because older clients do not encode a slash in an id.
const CUSTOMER_PATH = /^\/v1\/c\/(.+)\/(entitlements-state\.json|entitlements\.json)$/;
const CONFIGURATION_PATH = "/v1/config/server-sdk-configuration.json";

type EdgeFile = "entitlements-state.json" | "entitlements.json" | "server-sdk-configuration.json";

interface EdgeRequest {
  readonly file: EdgeFile;
  readonly subject: Subject | undefined;
}

/** The vendor's REST interface, from which clients read states. */
export class EdgeEndpoint {
  readonly #context: EmulatorContext;
  readonly #view: EdgeView;

  constructor(context: EmulatorContext, view: EdgeView) {
    this.#context = context;
    this.#view = view;
  }

  /** @returns undefined where the request is none of Edge's */
  handle(request: IncomingMessage, response: ServerResponse, target: RequestTarget): Promise<void> | undefined {
    const asked = request.method === "GET" ? readTarget(target) : undefined;
    if (asked === undefined) return undefined;
    const { stats, faults } = this.#context;
    const over = stats.requestBegins({
      target: "edge",
      operation: asked.file,
      path: request.url ?? "/",
      headers: request.headers,
    });
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
      over();
    });
    const struck = faults.edge.strike(({ operation }) => operation === undefined || operation === asked.file);
    return answerUnderFaults(request, response, struck, () => this.#answer(request, asked, gone.signal));
  }

  async #answer(request: IncomingMessage, { file, subject }: EdgeRequest, signal: AbortSignal): Promise<HttpAnswer> {
    if (!this.#context.apiKey.allowsRequest(request.headers)) {
      this.#context.stats.count("refusedKeys");
      return jsonAnswer(401, errorsBody(invalidKeyError()));
    }
    if (subject === undefined) return jsonAnswer(200, { data: { sdkConfiguration: SDK_CONFIGURATION } });
    try {
      const state = await this.#view.fetch(subject, signal);
      const now = this.#context.clock.now();
      if (file === "entitlements.json")
        return jsonAnswer(200, { data: { entitlements: encodeOlderEntitlements(subject, state, now) } });
      const entitlementsState = {
        entitlementsV2: encodeEntitlementsV2(state, now),
        accessDeniedReason: state.accessDeniedReason ?? null,
      };
      return jsonAnswer(200, { data: { entitlementsState } });
    } catch (error) {
      return jsonAnswer(error instanceof CodedError ? EDGE_STATUS[error.code] : 500, errorsBody(apiErrorOf(error)));
    }
  }
}

function readTarget({ path, query }: RequestTarget): EdgeRequest | undefined {
  if (path === CONFIGURATION_PATH) return { file: "server-sdk-configuration.json", subject: undefined };
  const [, customer, file] = CUSTOMER_PATH.exec(path) ?? [];
  if (customer === undefined || file === undefined) return undefined;
  const resourceId = query.get("resourceId") ?? "";
  const subject: Subject = { customerId: decodeId(customer), resourceId: resourceId === "" ? undefined : resourceId };
  return { file: file as EdgeFile, subject };
}

/** An id with a bare percent sign is one that an older client did not encode. */
function decodeId(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
