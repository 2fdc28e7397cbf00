/** A line of the decision log, as DecisionLines writes it. */
export interface DecisionLine {
  readonly timestamp: string;
  readonly decision: string;
  readonly customer: string;
  readonly resource?: string;
  readonly feature?: string;
  readonly currency?: string;
  readonly requested?: unknown;
  readonly granted: boolean;
  readonly reason?: string;
  readonly fallback: boolean;
  readonly source: string;
  readonly ageMs?: number;
  readonly used?: number;
  readonly limit?: number;
}

/** Undefined: it is another line, such as standard output has beside decisions. */
export function lineIn(text: string): DecisionLine | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    return isDecisionLine(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

type Kind = "string" | "boolean" | "number";

const REQUIRED: readonly (readonly [keyof DecisionLine, Kind])[] = [
  ["timestamp", "string"],
  ["decision", "string"],
  ["customer", "string"],
  ["granted", "boolean"],
  ["fallback", "boolean"],
  ["source", "string"],
];
const OPTIONAL: readonly (readonly [keyof DecisionLine, Kind])[] = [
  ["resource", "string"],
  ["feature", "string"],
  ["currency", "string"],
  ["reason", "string"],
  ["ageMs", "number"],
  ["used", "number"],
  ["limit", "number"],
];

/** Anybody may have written the file, and a line of it may be cut. */
function isDecisionLine(value: unknown): value is DecisionLine {
  if (typeof value !== "object" || value === null) return false;
  const line = value as Readonly<Record<string, unknown>>;
  return (
    REQUIRED.every(([name, kind]) => typeof line[name] === kind) &&
    OPTIONAL.every(([name, kind]) => line[name] === undefined || typeof line[name] === kind) &&
    (line["feature"] === undefined) !== (line["currency"] === undefined) &&
    !Number.isNaN(Date.parse(String(line["timestamp"])))
  );
}
