import type { ExplainDecision, ExplainQuery } from "../../application/check/explain-decision.js";
import { explain, json, type OpsRoute } from "./ops-server.js";

/** The parameters of GET /explain; the command of the same name sends them. */
const PARAMETERS = [
  "customer",
  "feature",
  "currency",
  "resource",
  "requestedUsage",
  "requestedValues",
  "at",
  "cachedOnly",
] as const;

/** A parameter that cannot be understood. */
class ParameterFault extends Error {}

/** GET /explain?customer=…&feature=… */
export function explainRoute(explainDecision: Pick<ExplainDecision, "explain">): OpsRoute {
  return async (query) => {
    try {
      const question = questionIn(query);
      return json(200, { question: { ...question, at: question.at }, ...(await explainDecision.explain(question)) });
    } catch (error) {
      if (error instanceof ParameterFault) return explain(400, error.message);
      throw error;
    }
  };
}

function questionIn(query: URLSearchParams): ExplainQuery {
  for (const name of query.keys()) {
    if (!(PARAMETERS as readonly string[]).includes(name))
      throw new ParameterFault(`${name} is not a parameter; there are ${PARAMETERS.join(", ")}`);
    if (query.getAll(name).length > 1) throw new ParameterFault(`${name} is given more than once; keep one of them`);
  }
  const text = (name: (typeof PARAMETERS)[number]) => query.get(name) ?? undefined;
  const [feature, currency] = [text("feature"), text("currency")];
  const customerId = text("customer");
  if (customerId === undefined || customerId === "")
    throw new ParameterFault("customer is missing: name the customer's id");
  const id = feature ?? currency;
  if (id === undefined || id === "" || (feature !== undefined && currency !== undefined))
    throw new ParameterFault("name one feature, or one currency");
  return {
    subject: { customerId, resourceId: text("resource") },
    type: feature === undefined ? "credit" : "feature",
    id,
    requestedUsage: numberIn("requestedUsage", text("requestedUsage")),
    requestedValues: text("requestedValues")?.split(","),
    at: timestampIn(text("at")),
    cachedOnly: flagIn("cachedOnly", text("cachedOnly")),
  };
}

function flagIn(name: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  const value = text.toLowerCase();
  if (["1", "true", "yes"].includes(value)) return true;
  if (["0", "false", "no"].includes(value)) return false;
  throw new ParameterFault(`${name} was ${JSON.stringify(text)}: it must be true or false`);
}

function numberIn(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = text.trim() === "" ? NaN : Number(text);
  if (!Number.isFinite(value) || value < 0)
    throw new ParameterFault(`${name} was ${JSON.stringify(text)}: it must be a number of 0 or more`);
  return value;
}

/** ISO 8601, or epoch milliseconds. */
function timestampIn(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
  if (Number.isNaN(new Date(value).getTime()))
    throw new ParameterFault(
      `at was ${JSON.stringify(text)}: it must be a time such as 2026-01-31T12:00:00Z, or epoch milliseconds`,
    );
  return value;
}
