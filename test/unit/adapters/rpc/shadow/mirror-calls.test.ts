import { setImmediate as turn } from "node:timers/promises";
import { create } from "@bufbuild/protobuf";
import { createRouterTransport, type Transport } from "@connectrpc/connect";
import { expect, it } from "@jest/globals";
import {
  GetBooleanEntitlementRequestSchema,
  GetBooleanEntitlementResponseSchema,
  SidecarService,
} from "../../../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { MirrorCalls } from "../../../../../src/adapters/rpc/shadow/mirror-calls.js";
import { ComparisonReport } from "../../../../../src/domain/comparison/comparison-report.js";
import { ManualClock } from "../../../../fakes/manual-clock.js";

const SETTLE_MS = 2_000;

/** A service that answers all the same, and how many calls it had at most at a time. */
class Answering {
  most = 0;
  #now = 0;
  readonly transport: Transport;

  constructor(hasAccess: boolean) {
    this.transport = createRouterTransport(({ service }) => {
      service(SidecarService, {
        getBooleanEntitlement: async () => {
          this.most = Math.max(this.most, ++this.#now);
          await turn();
          this.#now--;
          return { hasAccess };
        },
      });
    });
  }
}

function mirroring(maxSettling?: number) {
  const incumbent = new Answering(true);
  const candidate = new Answering(false);
  const clock = new ManualClock();
  const report = new ComparisonReport();
  const mirror = new MirrorCalls({
    incumbent: incumbent.transport,
    candidate: candidate.transport,
    answerFrom: "incumbent",
    settleMs: SETTLE_MS,
    timeoutMs: 5_000,
    ...(maxSettling === undefined ? {} : { maxSettling }),
    clock,
    report,
  });
  const method = SidecarService.method.getBooleanEntitlement;
  const outcome = create(GetBooleanEntitlementResponseSchema, { hasAccess: true });
  const mirrorSome = (count: number) => {
    for (let i = 0; i < count; i++) {
      const request = create(GetBooleanEntitlementRequestSchema, { customerId: `c${i}`, featureId: "sso" });
      mirror.mirror({ method, request, headers: new Headers(), outcome });
    }
  };
  const isFinished = { is: false };
  /** Lets a report be made, time passing as it is waited for. */
  const finish = async () => {
    void mirror.finish(30_000).then(() => (isFinished.is = true));
    while (!isFinished.is) {
      clock.advance(1);
      await turn();
    }
  };
  return { incumbent, candidate, report, mirrorSome, finish };
}

it("asks each service 64 questions at a time at most, also where all answers differ", async () => {
  const { incumbent, candidate, report, mirrorSome, finish } = mirroring();
  mirrorSome(200);
  await finish();
  expect(report).toMatchObject({ compared: 200, different: 200, skipped: 0 });
  expect(Math.max(incumbent.most, candidate.most)).toBeLessThanOrEqual(64);
});

it("leaves out of the comparison what is more than it can keep until it asks again", async () => {
  const { report, mirrorSome, finish } = mirroring(20);
  mirrorSome(100);
  await finish();
  expect(report).toMatchObject({ compared: 20, different: 20, skipped: 80 });
});
