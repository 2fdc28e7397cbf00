import type { AccessDeniedReason } from "../../../domain/decision/access-denied-reason.js";
import { CodedError } from "../../../domain/errors.js";
import type { Subject } from "../../../domain/subject.js";
import type { UpstreamClient } from "../../../ports/upstream-client.js";

/** What the API calls a report that it refuses, by why its subject has nothing to report on. */
const CODES_BY_REASON: Readonly<Partial<Record<AccessDeniedReason, string>>> = {
  CustomerNotFound: "CustomerNotFound",
  CustomerResourceNotFound: "CustomerResourceNotFound",
  CustomerIsArchived: "EntityIsArchivedError",
  NoActiveSubscription: "NoActiveSubscriptionForCustomer",
};

/**
 * The API's own code for a refused report. The failure says only that something was not found or not in
 * order; whether it was the subject is told by its state.
 *
 * @returns undefined where the failure's own code says it all
 */
export async function explainRefusal(
  failure: unknown,
  subjects: readonly Subject[],
  upstream: UpstreamClient,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!(failure instanceof CodedError) || (failure.code !== "not-found" && failure.code !== "failed-precondition"))
    return undefined;
  for (const subject of subjects) {
    const state = await upstream.fetchState(subject, { signal, latest: true });
    const code = state?.accessDeniedReason === undefined ? undefined : CODES_BY_REASON[state.accessDeniedReason];
    if (code !== undefined) return code;
  }
  return failure.code === "not-found" ? "FeatureNotFound" : undefined;
}
