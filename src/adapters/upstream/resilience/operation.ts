/**
 * One kind of call to upstream. What makes calls resilient wraps operations in operations, so that each
 * concern is one function, and their order is read in one place (see vendor-upstream-client).
 */
export type Operation<I, O> = (input: I, signal: AbortSignal) => Promise<O>;
