import { once } from "node:events";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import {
  AccessDeniedReason,
  Code,
  createSidecarClient,
  type SidecarClient,
  timestampDate,
} from "../../../src/public/client.js";
import { type RunningSidecar, startSidecar } from "../../../src/public/testing.js";

/** Enough of them that their list is compressed. */
const MANY = Array.from({ length: 200 }, (_, index) => `feature-${index}`);

let sidecar: RunningSidecar;
beforeAll(async () => {
  sidecar = await startSidecar({
    catalog: {
      features: [
        { id: "sso", kind: "boolean" },
        { id: "calls", kind: "metered", meterType: "Incremental" },
        ...MANY.map((id) => ({ id, kind: "boolean" as const })),
      ],
      plans: [
        {
          id: "pro",
          entitlements: {
            calls: { limit: 10, resetPeriod: "MONTH" },
            ...Object.fromEntries(MANY.map((id) => [id, true])),
          },
        },
      ],
      customers: [{ id: "acme", plan: "pro", startedAt: "2025-01-31", usage: { calls: 9 } }],
    },
  });
});
afterAll(() => sidecar.stop());

describe.each<[string, () => SidecarClient]>([
  ["by its own transport", () => createSidecarClient({ baseUrl: `${sidecar.baseUrl}/` })],
  ["by a transport of Connect's", () => createSidecarClient(createGrpcTransport({ baseUrl: sidecar.baseUrl }))],
])("the client, %s", (_, connect) => {
  it("checks, with everything that the answer says", async () => {
    const denied = await connect().getMeteredEntitlement({
      customerId: "acme",
      featureId: "calls",
      options: { requestedUsage: 2 },
    });
    expect(denied).toMatchObject({
      hasAccess: false,
      accessDeniedReason: AccessDeniedReason.REQUESTED_USAGE_EXCEEDING_LIMIT,
      entitlement: { currentUsage: 9, usageLimit: 10 },
    });
    expect(timestampDate(denied.entitlement!.usagePeriodEnd!).getTime()).toBeGreaterThan(Date.now());
  });

  it("lists what is more than one small answer", async () => {
    expect((await connect().getEntitlements({ customerId: "acme" })).entitlements).toHaveLength(MANY.length + 1);
  });

  it("reports", async () => {
    const before = sidecar.reports().length;
    await connect().reportUsage({ customerId: "acme", featureId: "calls", value: 0 });
    expect(sidecar.reports().slice(before)).toMatchObject([{ customerId: "acme", featureId: "calls" }]);
  });

  it("says what is wrong with a request", async () => {
    await expect(connect().getBooleanEntitlement({ featureId: "sso" })).rejects.toMatchObject({
      code: Code.InvalidArgument,
      rawMessage: expect.stringContaining("customer_id"),
    });
  });

  it("is told where the answer came from", async () => {
    let source: string | null = null;
    const onHeader = (headers: Headers) => void (source = headers.get("x-entitlement-source"));
    await connect().getBooleanEntitlement({ customerId: "acme", featureId: "sso" }, { onHeader });
    expect(source).not.toBeNull();
  });
});

describe("its own transport", () => {
  const check = { customerId: "acme", featureId: "sso" };

  it("shows who calls, asking with each call where the token may change", async () => {
    const seen: (string | null)[] = [];
    const fetchSeen: typeof fetch = (url, init) => {
      seen.push(new Headers(init?.headers).get("authorization"));
      return fetch(url, init);
    };
    let issued = 0;
    const fixed = createSidecarClient({ baseUrl: sidecar.baseUrl, token: "secret", fetch: fetchSeen });
    const issuing = createSidecarClient({
      baseUrl: sidecar.baseUrl,
      token: () => `token-${++issued}`,
      fetch: fetchSeen,
    });
    await fixed.getBooleanEntitlement(check);
    await issuing.getBooleanEntitlement(check);
    await issuing.getBooleanEntitlement(check);
    expect(seen).toEqual(["Bearer secret", "Bearer token-1", "Bearer token-2"]);
  });

  it("says that nobody is there", async () => {
    const nobody = createSidecarClient({ baseUrl: "http://127.0.0.1:1" });
    await expect(nobody.getBooleanEntitlement(check)).rejects.toMatchObject({ code: Code.Unavailable });
  });

  it("ends a call at its time, and when its caller gives up", async () => {
    const never: typeof fetch = async (_url, init) => {
      const signal = init?.signal;
      if (signal?.aborted === false) await once(signal, "abort");
      throw signal?.reason as Error;
    };
    const client = createSidecarClient({ baseUrl: sidecar.baseUrl, timeoutMs: 1, fetch: never });
    await expect(client.getBooleanEntitlement(check)).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    const giveUp = new AbortController();
    const call = client.getBooleanEntitlement(check, { signal: giveUp.signal, timeoutMs: 60_000 });
    giveUp.abort();
    await expect(call).rejects.toMatchObject({ code: Code.Canceled });
  });
});
