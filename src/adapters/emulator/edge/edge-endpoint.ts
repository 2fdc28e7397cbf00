import type { IncomingMessage, ServerResponse } from "node:http";
import { CodedError, type ErrorCode } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { EmulatorContext } from "../emulator-context.js";
import { encodeEntitlementsV2, encodeOlderEntitlements } from "../encoding/encode-state.js";
import { answerUnderFaults } from "../faults/emulator-faults.js";
import { SDK_CONFIGURATION } from "../graphql/operation-roots.js";
import {
  apiErrorOf,
  errorsBody,
  type HttpAnswer,
  invalidKeyError,
  jsonAnswer,
  type RequestTarget,
} from "../http-answer.js";
import type { EdgeView } from "./edge-view.js";

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
