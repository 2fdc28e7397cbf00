import { afterEach, describe, expect, it } from "@jest/globals";
import { SystemClock } from "../../../src/adapters/ops/system-clock.js";
import type { Answer } from "../../../src/application/answer.js";
import { DrillChecks } from "../../../src/application/drill/drill-checks.js";
import { loadConfig } from "../../../src/bootstrap/config/sidecar-config.js";
import { buildContainer } from "../../../src/bootstrap/sidecar/container.js";
import { type DrillFaults, drillWorld } from "../../../src/bootstrap/sidecar/drills.js";
import { TOKENS } from "../../../src/bootstrap/sidecar/tokens.js";
import { vendorSource } from "../../../src/bootstrap/source/vendor-source.js";
import { buildCustomerState } from "../../../src/domain/build-customer-state.js";
import type { FeatureDecision } from "../../../src/domain/decision/decision.js";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { API_KEY, type EmulatedUpstream, emulatedUpstream } from "../../builders/sidecar-on-emulator.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

const CUSTOMERS = Array.from({ length: 40 }, (_, index) => ({
  id: `c${index}`,
  plan: index % 2 === 0 ? "pro" : "free",
}));
const CATALOG = {
  features: [{ id: "sso", kind: "boolean" as const }],
  plans: [{ id: "pro", entitlements: { sso: true } }, { id: "free" }],
  customers: CUSTOMERS,
};
const TIMES = {
  fetchTimeoutMs: 1_000,
  recheckAfterMs: 30_000,
  deadlineMarginMs: 20,
  maxConcurrentRefreshes: 8,
  pollIntervalMs: 30_000,
};
const QUERY = {
  featureId: "sso",
  kind: undefined,
  requestedUsage: undefined,
  requestedValues: [],
  fallback: undefined,
  fallbackWhenUnknown: false,
} as const;
const CALL = { deadlineAt: undefined, signal: undefined };

interface Service {
  readonly check: (customerId: string, isDrilled: boolean) => Promise<Answer<FeatureDecision>>;
  readonly checks: DrillChecks;
  /** All that the service counts and holds, but for durations and times. */
  readonly trace: () => object;
  /** The stream says that a customer is entitled to nothing any more. */
  readonly changed: (customerId: string) => Promise<void>;
}

describe("a drill", () => {
  const upstreams: EmulatedUpstream[] = [];
  const stops: (() => void)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0)) stop();
    await Promise.all(upstreams.splice(0).map((upstream) => upstream.stop()));
  });

  async function service(faults?: DrillFaults): Promise<Service> {
    const upstream = await emulatedUpstream(CATALOG);
    upstreams.push(upstream);
    const { url, wsUrl } = upstream.emulator;
    const { config } = loadConfig({ SERVER_API_KEY: API_KEY, API_URL: url, EDGE_API_URL: url, WS_URL: wsUrl });
    const telemetry = newTelemetry();
    const services = { clock: new SystemClock(), logger: new RecordingLogger(), telemetry };
    const source = vendorSource(config, API_KEY, services);
    const foundations = { config, ...services, source };
    const container = buildContainer(foundations);
    container.get(TOKENS.streamStatus).connected();
    let isDrilled = false;
    const checks = new DrillChecks({
      plain: container.get(TOKENS.checkEntitlement),
      cache: container.get(TOKENS.cache),
      fallbacks: container.get(TOKENS.fallbacks),
      clock: services.clock,
      logger: services.logger,
      random: () => (isDrilled ? 0 : 1),
    });
    if (faults !== undefined)
      checks.start({ target: faults.target, forMs: 60_000, share: 0.01, maxWrong: 0, maxAssumed: 1_000 }, () =>
        drillWorld(container, foundations, faults, TIMES),
      );
    stops.push(() => {
      checks.stop("operator");
      void source.close();
    });
    return {
      checks,
      changed: (customerId) =>
        container.get(TOKENS.cache).apply(
          {
            type: "entitlements-updated",
            subject: { customerId },
            state: buildCustomerState({ accessDeniedReason: "NoActiveSubscription" }),
          },
          services.clock.now(),
        ),
      async check(customerId, drilled) {
        isDrilled = drilled;
        const asked = checks.feature(customerId, undefined, QUERY, CALL);
        isDrilled = false;
        return asked;
      },
      trace: () => ({
        answers: telemetry.answers,
        hits: [telemetry.cacheHits, telemetry.cacheMisses, telemetry.staleAnswers, telemetry.cacheEvictions],
        requests: [telemetry.upstreamRequests.edge.results, telemetry.upstreamRequests.api.results],
        errors: [telemetry.networkRequestErrors, telemetry.malformedUpstreamData, telemetry.refusedFetches],
        breakers: [...telemetry.openBreakers],
        dependencies: [...telemetry.dependencies].map(({ name, isUp }) => [name, isUp]),
        cached: container.get(TOKENS.cache).size.subjects,
        asked: upstream.emulator.stats.edge.requests + upstream.emulator.stats.api.requests,
      }),
    };
  }

  const FAULTS: readonly (DrillFaults & { readonly named: string })[] = [
    { named: "reset connections", target: "upstream", rules: [] },
    {
      named: "errors of the server",
      target: "upstream",
      rules: [
        { target: "edge", kind: "status", status: 503 },
        { target: "api", kind: "status", status: 503 },
      ],
    },
    {
      named: "answers that are not JSON",
      target: "upstream",
      rules: [
        { target: "edge", kind: "malformed", body: "<html>" },
        { target: "api", kind: "malformed", body: "<html>" },
      ],
    },
  ];

  it.each(FAULTS)(
    "leaves no trace in the calls that are not in it: $named",
    async (faults) => {
      const drilled = await service(faults);
      const untouched = await service();
      const pairs: (readonly [Answer<FeatureDecision>, Answer<FeatureDecision>])[] = [];
      for (let round = 0; round < 3; round++)
        for (const [index, { id }] of CUSTOMERS.entries()) {
          // Before, between and after: of customers that are cached by then, and of those that never are.
          if (index % 3 !== round) await drilled.check(id, true);
          if (index % 4 === 3) continue;
          pairs.push([await drilled.check(id, false), await untouched.check(id, false)]);
          await drilled.check(id, true);
        }
      for (const [inDrill, without] of pairs) {
        expect(inDrill.source).toBe(without.source);
        expect(inDrill.result.hasAccess).toBe(without.result.hasAccess);
        expect(inDrill.result.fallback).toBe(without.result.fallback);
      }
      expect(drilled.trace()).toEqual(untouched.trace());
      const report = drilled.checks.report();
      expect(report).toMatchObject({ wrong: 0, ended: undefined });
      expect(report?.sources).toMatchObject({ memory: expect.any(Number), fallback: expect.any(Number) });
    },
    60_000,
  );

  it("of the stream has its calls miss what changes, and stops once too many of them are wrong", async () => {
    const { check, checks, changed } = await service({ target: "stream", rules: [] });
    expect((await check("c0", false)).result.hasAccess).toBe(true);
    expect((await check("c0", true)).result.hasAccess).toBe(true);
    await changed("c0");
    expect((await check("c0", false)).result.hasAccess).toBe(false);
    expect((await check("c0", true)).result.hasAccess).toBe(true);
    expect(checks.report()).toMatchObject({
      ended: "wrong",
      wrong: 1,
      examples: [{ customerId: "c0", granted: true }],
    });
    expect((await check("c0", true)).result.hasAccess).toBe(false);
  });
});
