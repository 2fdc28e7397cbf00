import { type DocumentNode, execute, type ExecutionResult, GraphQLError, parse, validate } from "graphql";
import QuickLRU from "quick-lru";
import { apiError, apiErrorOf } from "../api-error.js";
import { VENDOR_SCHEMA } from "./vendor-schema.js";

/** A client sends a handful of documents over and over; a test that sends many must not fill the memory. */
const MAX_DOCUMENTS = 200;

type CheckedDocument = DocumentNode | readonly GraphQLError[];

const checkedDocuments = new QuickLRU<string, CheckedDocument>({ maxSize: MAX_DOCUMENTS });

/** The document of a text, or everything that is wrong with it. */
export function checkDocument(text: string): CheckedDocument {
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

export interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/** Runs a query or a mutation. */
export async function executeOperation(
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
