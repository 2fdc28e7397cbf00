/** How long and how much upstream is asked. All times in milliseconds. */
export interface VendorUpstreamLimits {
  /** How long the first of two upstreams may take before the second is asked beside it. A quarter of a check's budget leaves time for both. */
  readonly hedgeAfterMs: number;
  /** How long the present truth is waited for where a cache's answer is there already; less than a check's budget. */
  readonly preferLatestForMs: number;
  /** How long an upstream may take to tell a state, its retry included. Longer than a check waits: the answer then serves the next one. */
  readonly fetchTimeoutMs: number;
  /** How long a report may take, its retry included. */
  readonly reportTimeoutMs: number;
  /** The longest wait before the one retry. */
  readonly maxRetryDelayMs: number;
  /** How many states are fetched at the same time. */
  readonly maxConcurrentFetches: number;
  /** How long fetches may wait for their turn in order, before the newest go first; less than a check's budget. */
  readonly inOrderForMs: number;
  /** How many fetches may wait for their turn. */
  readonly maxWaitingFetches: number;
  /** How long an upstream is not asked again for a subject that it refused. */
  readonly refusalMemoryMs: number;
  /** How many such subjects are remembered. */
  readonly maxRefusals: number;
  /** How many fetches in a row have to fail before an upstream is no longer asked. */
  readonly failuresToOpen: number;
  /** The longest wait between two probes of an upstream that is not asked. */
  readonly probeDelayMs: number;
  /** How long a probe, and the check at the start, may take. */
  readonly probeTimeoutMs: number;
  /** The longest wait between two checks at the start. */
  readonly maxStartUpDelayMs: number;
  /** The largest answer that is read, bytes. */
  readonly maxBodyBytes: number;
}

/**
 * Limits that fit a check's budget.
 *
 * @param checkBudgetMs how long a check waits for a state, milliseconds
 */
export function limitsForBudget(checkBudgetMs: number): VendorUpstreamLimits {
  return {
    hedgeAfterMs: checkBudgetMs / 4,
    preferLatestForMs: checkBudgetMs * 0.6,
    fetchTimeoutMs: checkBudgetMs * 3,
    reportTimeoutMs: 10_000,
    maxRetryDelayMs: checkBudgetMs / 10,
    maxConcurrentFetches: 64,
    inOrderForMs: checkBudgetMs / 2,
    maxWaitingFetches: 10_000,
    refusalMemoryMs: 30_000,
    maxRefusals: 1_000,
    failuresToOpen: 5,
    probeDelayMs: 1_000,
    probeTimeoutMs: 2_000,
    maxStartUpDelayMs: 30_000,
    maxBodyBytes: 16 * 1024 * 1024,
  };
}
