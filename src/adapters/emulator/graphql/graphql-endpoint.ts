import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type DocumentNode,
  execute,
  type ExecutionResult,
  getOperationAST,
  GraphQLError,
  OperationTypeNode,
  parse,
  validate,
} from "graphql";
import QuickLRU from "quick-lru";
import type { EmulatorContext } from "../emulator-context.js";
import {
  answerUnderFaults,
  apiError,
  apiErrorOf,
  errorsBody,
  GRAPHQL_PATH,
  type HttpAnswer,
  invalidKeyError,
  jsonAnswer,
  readBody,
  type RequestTarget,
} from "../http-answer.js";
import type { operationRoots } from "./operation-roots.js";
import { VENDOR_SCHEMA } from "./vendor-schema.js";

interface GraphqlRequest {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/** The vendor's GraphQL interface over HTTP. */
export class GraphqlEndpoint {
  readonly #context: EmulatorContext;
  readonly #roots: ReturnType<typeof operationRoots>;

  constructor(context: EmulatorContext, roots: ReturnType<typeof operationRoots>) {
    this.#context = context;
    this.#roots = roots;
  }

  /** @returns undefined where the request is none of GraphQL's */
  handle(request: IncomingMessage, response: ServerResponse, { path }: RequestTarget): Promise<void> | undefined {
    return path === GRAPHQL_PATH && request.method === "POST" ? this.#serve(request, response) : undefined;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { stats, faults } = this.#context;
    const body = await readBody(request);
    const asked = body === undefined ? "the body is too large" : readRequest(body);
    const operation = (typeof asked === "string" ? undefined : asked.operationName) ?? "anonymous";
    const over = stats.requestBegins({ target: "api", operation, path: request.url ?? "/", headers: request.headers });
    const gone = new AbortController();
    response.once("close", () => {
      gone.abort();
      over();
    });
    const struck = faults.api.strike((rule) => rule.operation === undefined || rule.operation === operation);
    await answerUnderFaults(request, response, struck, () => this.#answer(request, asked, gone.signal));
  }

  async #answer(request: IncomingMessage, asked: GraphqlRequest | string, signal: AbortSignal): Promise<HttpAnswer> {
    if (!this.#context.apiKey.allowsRequest(request.headers)) {
      this.#context.stats.count("refusedKeys");
      return jsonAnswer(200, errorsBody(invalidKeyError()));
    }
    if (typeof asked === "string") return badRequest(asked);
    const document = checkDocument(asked.query);
    if (!("kind" in document)) return jsonAnswer(400, errorsBody(...document));
    const operation = getOperationAST(document, asked.operationName)?.operation;
    if (operation === undefined) return badRequest("operationName names no operation of the document");
    if (operation === OperationTypeNode.SUBSCRIPTION)
      return badRequest("subscriptions are served over a WebSocket at this path");
    const { variables, operationName } = asked;
    return jsonAnswer(
      200,
      await executeOperation({ document, operationName, variables }, this.#roots[operation], { signal }),
    );
  }
}

function badRequest(message: string): HttpAnswer {
  return jsonAnswer(400, errorsBody(apiError(message, "BadUserInput")));
}

/** @returns what is wrong with it, where something is */
function readRequest(body: string): GraphqlRequest | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'the body is not JSON; send {"query": …, "operationName": …, "variables": …}';
  }
  if (typeof value !== "object" || value === null) return "the body must be a JSON object";
  const { query, operationName, variables } = value as Readonly<Record<string, unknown>>;
  if (typeof query !== "string") return "query is missing; send the text of a GraphQL document";
  if (typeof operationName !== "string" && operationName !== undefined && operationName !== null)
    return "operationName must be text";
  if (typeof variables !== "object" && variables !== undefined) return "variables must be an object";
  return {
    query,
    operationName: operationName ?? undefined,
    variables: (variables as Readonly<Record<string, unknown>> | null | undefined) ?? undefined,
  };
}

/** A client sends a handful of documents over and over; a test that sends many must not fill the memory. */
const MAX_DOCUMENTS = 200;

type CheckedDocument = DocumentNode | readonly GraphQLError[];

const checkedDocuments = new QuickLRU<string, CheckedDocument>({ maxSize: MAX_DOCUMENTS });

/** The document of a text, or everything that is wrong with it. */
function checkDocument(text: string): CheckedDocument {
  let checked = checkedDocuments.get(text);
  if (checked === undefined) {
    checked = check(text);
    checkedDocuments.set(text, checked);
  }
  return checked;
}

function check(text: string): CheckedDocument {
  try {
    const document = parse(text);
    const faults = validate(VENDOR_SCHEMA, document);
    return faults.length === 0 ? document : faults.map((fault) => withCode(fault, "GRAPHQL_VALIDATION_FAILED"));
  } catch (error) {
    return [error instanceof GraphQLError ? withCode(error, "GRAPHQL_PARSE_FAILED") : apiErrorOf(error)];
  }
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { nodes = null, source = null, positions = null } = error;
  return new GraphQLError(error.message, {
    nodes,
    source,
    positions,
    extensions: apiError(error.message, code).extensions,
  });
}

interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/** Runs a query or a mutation. */
async function executeOperation(
  { document, operationName, variables }: Operation,
  rootValue: unknown,
  contextValue: unknown,
): Promise<ExecutionResult> {
  return await execute({
    schema: VENDOR_SCHEMA,
    document,
    operationName,
    variableValues: variables,
    rootValue,
    contextValue,
  });
}
