import { setTimeout as pause } from "node:timers/promises";
import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { type Entitlement, SidecarService } from "../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { type CustomerFacts, METERED_FEATURE, NUMERIC_FEATURE } from "./changing-catalog.js";
import type { LoopLag } from "./loop-lag.js";
import type { SeededRandom } from "./seeded-random.js";

/** How much longer than its budget a check may take, milliseconds. */
const BUDGET_TOLERANCE_MS = 50;

export interface CheckingClientOptions {
  readonly baseUrl: string;
  readonly customers: readonly CustomerFacts[];
  readonly random: SeededRandom;
  readonly budgetMs: number;
  readonly lag: LoopLag;
  /** Notified of everything that should not have been. */
  readonly onViolation: (violation: string) => void;
  readonly onAnswer: () => void;
}

interface Reported {
  readonly limit: number | undefined;
  readonly usage: number | undefined;
  /** Of the same set as the limit. */
  readonly tier?: number | undefined;
}

/** One of the sidecar's clients, on a connection of its own: checks, lists and now and then reports, and believes nothing. */
export class CheckingClient {
  readonly #options: CheckingClientOptions;
  readonly #client: Client<typeof SidecarService>;
  readonly sources = new Map<string, number>();
  checks = 0;
  slowestMs = 0;
  reportsTried = 0;
  reportsCounted = 0;
  readonly #reporting = new Set<Promise<void>>();

  constructor(options: CheckingClientOptions) {
    this.#options = options;
    this.#client = createClient(SidecarService, createGrpcTransport({ baseUrl: options.baseUrl }));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { random, customers } = this.#options;
    while (!signal.aborted) {
      // A pace, so that there is time for faults between checks; nothing is waited for by it.
      await pause(random.integer(0, 12));
      const facts = random.oneOf(customers);
      const choice = random.fraction();
      // Not awaited: a report may wait for upstream longer than any check does.
      if (choice < 0.04) this.#reporting.add(this.#report(facts, random.integer(1, 3)));
      else await this.check(facts, choice < 0.3);
    }
    await Promise.all(this.#reporting);
  }

  async check(facts: CustomerFacts, asList = false): Promise<void> {
    const { lag, budgetMs, onViolation, onAnswer } = this.#options;
    const floors = { limit: facts.limit.floor, usage: facts.usage.floor };
    const lostBefore = lag.lostMs;
    const startedAt = performance.now();
    let source: string | undefined;
    const onHeader = (headers: Headers) => (source = headers.get("x-entitlement-source") ?? undefined);
    try {
      const received = await (asList ? this.#list(facts, onHeader) : this.#metered(facts, onHeader));
      this.checks++;
      this.sources.set(source ?? "none", (this.sources.get(source ?? "none") ?? 0) + 1);
      const tookMs = performance.now() - startedAt - (lag.lostMs - lostBefore);
      this.slowestMs = Math.max(this.slowestMs, tookMs);
      if (tookMs > budgetMs + BUDGET_TOLERANCE_MS)
        onViolation(`a check of ${facts.customerId} took ${tookMs.toFixed(0)} ms, from ${source ?? "?"}`);
      for (const violation of judge(facts, received, source, floors)) onViolation(violation);
    } catch (error) {
      onViolation(`a check of ${facts.customerId} failed: ${String(error)}`);
    }
    onAnswer();
  }

  async #metered({ customerId }: CustomerFacts, onHeader: (headers: Headers) => void): Promise<Reported> {
    const { entitlement } = await this.#client.getMeteredEntitlement(
      { customerId, featureId: METERED_FEATURE },
      { onHeader },
    );
    return { limit: entitlement?.usageLimit, usage: entitlement?.currentUsage };
  }

  async #list({ customerId }: CustomerFacts, onHeader: (headers: Headers) => void): Promise<Reported> {
    const { entitlements } = await this.#client.getEntitlements({ customerId }, { onHeader });
    const seats = valueOf("metered", entitlements, METERED_FEATURE);
    return {
      limit: seats?.usageLimit,
      usage: seats?.currentUsage,
      tier: valueOf("numeric", entitlements, NUMERIC_FEATURE)?.value,
    };
  }

  /** May fail while upstream does, and then says so; what is said to be counted, the next check has to know. */
  async #report({ customerId, usage }: CustomerFacts, value: number): Promise<void> {
    this.reportsTried += value;
    try {
      const { currentUsage } = await this.#client.reportUsage({ customerId, featureId: METERED_FEATURE, value });
      this.reportsCounted += value;
      const violation = currentUsage === undefined ? undefined : usage.judge(currentUsage, "upstream", -1);
      if (violation !== undefined) this.#options.onViolation(`in the answer to a report: ${violation}`);
    } catch {
      // It is the caller's to report again. Whether it was counted is judged by the sum of all.
    }
  }
}

function judge(
  facts: CustomerFacts,
  received: Reported,
  source: string | undefined,
  floors: { readonly limit: number; readonly usage: number },
): string[] {
  const violations: (string | undefined)[] = [
    facts.limit.judge(received.limit ?? Number.NaN, source, floors.limit),
    facts.usage.judge(received.usage ?? Number.NaN, source, floors.usage),
  ];
  if (received.tier !== undefined && received.tier !== received.limit) {
    violations.push(
      `the entitlements of ${facts.customerId} came in parts: ${received.tier} is not ${received.limit ?? "?"}`,
    );
  }
  return violations.filter((violation) => violation !== undefined);
}

function valueOf<C extends "metered" | "numeric">(kind: C, entitlements: readonly Entitlement[], featureId: string) {
  for (const { entitlement } of entitlements) {
    if (entitlement.case === kind && entitlement.value.feature?.id === featureId) {
      return entitlement.value as Extract<Entitlement["entitlement"], { case: C }>["value"];
    }
  }
  return undefined;
}
