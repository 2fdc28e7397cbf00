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
    const value = JSON.parse(text) as Partial<DecisionLine> | null;
    return typeof value?.decision === "string" && typeof value.timestamp === "string"
      ? (value as DecisionLine)
      : undefined;
  } catch {
    return undefined;
  }
}
