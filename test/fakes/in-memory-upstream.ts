import {
  buildCustomerState,
  type CreditEntitlementInput,
  type CustomerStateInput,
  type FeatureEntitlementInput,
} from "../../src/domain/build-customer-state.js";
import type { CustomerState } from "../../src/domain/customer-state.js";
import { CodedError } from "../../src/domain/errors.js";
import { kindOfFeature } from "../../src/domain/feature.js";
import { sameSubject, type Subject } from "../../src/domain/subject.js";
import type { UsageEvent, UsageMeasurement, UsageReport } from "../../src/domain/usage/usage-report.js";
import type { FetchOptions, ReportOptions, UpstreamClient } from "../../src/ports/upstream-client.js";
import type { CancelSignal } from "../../src/ports/waits.js";

interface Account {
  readonly subject: Subject;
  readonly state: CustomerStateInput;
}

/** An upstream in this process: knows subjects, counts usage and draws on wallets as the port says it must. */
export class InMemoryUpstream implements UpstreamClient {
  readonly events = new Map<string, UsageEvent>();
  /** Every report that was counted, in order. */
  readonly counted: UsageReport[] = [];
  readonly #accounts: Account[] = [];
  readonly #failures: { readonly subject: Subject; readonly failure: Error }[] = [];
  readonly #measurements = new Map<string, UsageMeasurement>();
  #updatedAt = Date.UTC(2026, 0, 1);

  /** Says what a subject has from now on. */
  set(subject: Subject, state: CustomerStateInput): void {
    this.#remove(subject);
    this.#accounts.push({ subject, state });
  }

  /** Has every question about a subject fail from now on. */
  fail(subject: Subject, failure: Error): void {
    this.#failures.push({ subject, failure });
  }

  fetchState(subject: Subject, { signal }: FetchOptions): Promise<CustomerState> {
    return attempt(signal, () => {
      this.#failWhereInstructed(subject);
      const account = this.#find(subject);
      return buildCustomerState(account?.state ?? { accessDeniedReason: this.#missing(subject) });
    });
  }

  reportUsage(report: UsageReport, { signal }: ReportOptions): Promise<UsageMeasurement> {
    return attempt(signal, () => this.#count(report));
  }

  reportUsageBulk(reports: readonly UsageReport[], { signal }: ReportOptions): Promise<readonly UsageMeasurement[]> {
    return attempt(signal, () => {
      for (const report of reports) this.#countable(report);
      return reports.map((report) => this.#count(report));
    });
  }

  reportEvents(events: readonly UsageEvent[], { signal }: ReportOptions): Promise<void> {
    return attempt(signal, () => {
      for (const { subject } of events) this.#failWhereInstructed(subject);
      for (const event of events)
        if (!this.events.has(event.idempotencyKey)) this.events.set(event.idempotencyKey, event);
    });
  }

  #count(report: UsageReport): UsageMeasurement {
    const known = this.#measurements.get(report.idempotencyKey);
    if (known !== undefined) return known;
    const { subject, state, feature } = this.#countable(report);
    const before = feature.usage?.currentUsage ?? 0;
    const currentUsage = report.updateBehavior === "SET" ? report.value : before + report.value;
    const updatedAt = ++this.#updatedAt;
    const usage = { ...feature.usage, currentUsage, updatedAt };
    const credit = drawn(state, feature, currentUsage - before, updatedAt);
    this.set(subject, {
      ...state,
      features: state.features?.map((other) => (other === feature ? { ...feature, usage } : other)),
      credits: state.credits?.map((other) =>
        other.currency.currencyId === credit?.currency.currencyId ? credit : other,
      ),
    });
    const measurement: UsageMeasurement = {
      measurementId: `measurement-${this.#measurements.size + 1}`,
      subject: report.subject,
      featureId: report.featureId,
      currentUsage,
      periodStart: usage.periodStart,
      periodEnd: usage.periodEnd,
      updatedAt,
      credit: credit && {
        currencyId: credit.currency.currencyId,
        currentUsage: credit.usage?.currentUsage ?? 0,
        periodEnd: credit.usage?.periodEnd,
        updatedAt,
      },
    };
    this.#measurements.set(report.idempotencyKey, measurement);
    this.counted.push(report);
    return measurement;
  }

  #countable({ subject, featureId }: UsageReport): Account & { readonly feature: FeatureEntitlementInput } {
    this.#failWhereInstructed(subject);
    const account = this.#find(subject);
    if (account === undefined) throw new CodedError("not-found", `no customer "${subject.customerId}"`);
    if (account.state.accessDeniedReason === "CustomerIsArchived") {
      throw new CodedError("failed-precondition", `customer "${subject.customerId}" is archived`);
    }
    const feature = account.state.features?.find((entitlement) => entitlement.feature.id === featureId);
    if (feature === undefined) throw new CodedError("not-found", `no feature "${featureId}"`);
    if (kindOfFeature(feature.feature) !== "metered") {
      throw new CodedError("invalid-argument", `feature "${featureId}" is not metered`);
    }
    return { ...account, feature };
  }

  #find(subject: Subject): Account | undefined {
    return this.#accounts.find((account) => sameSubject(account.subject, subject));
  }

  #remove(subject: Subject): void {
    const index = this.#accounts.findIndex((account) => sameSubject(account.subject, subject));
    if (index !== -1) this.#accounts.splice(index, 1);
  }

  #missing({ customerId, resourceId }: Subject) {
    const isCustomerKnown = this.#accounts.some(({ subject }) => subject.customerId === customerId);
    return resourceId !== undefined && isCustomerKnown ? "CustomerResourceNotFound" : "CustomerNotFound";
  }

  #failWhereInstructed(subject: Subject): void {
    for (const received of this.#failures) if (sameSubject(received.subject, subject)) throw received.failure;
  }
}

/** The wallet that pays for what was used, after it paid. */
function drawn(
  state: CustomerStateInput,
  { creditRate }: FeatureEntitlementInput,
  used: number,
  updatedAt: number,
): CreditEntitlementInput | undefined {
  if (creditRate === undefined) return undefined;
  const wallet = state.credits?.find(({ currency }) => currency.currencyId === creditRate.currencyId);
  if (wallet === undefined) return undefined;
  const consumed = (wallet.usage?.currentUsage ?? 0) + used * creditRate.amount;
  return { ...wallet, usage: { ...wallet.usage, currentUsage: consumed, updatedAt } };
}

/** Answers later, as everything does that is asked of another process. */
async function attempt<T>(signal: CancelSignal, work: () => T): Promise<T> {
  await Promise.resolve();
  if (signal.aborted) throw new CodedError("cancelled", "given up by its asker");
  return work();
}
