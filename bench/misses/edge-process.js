/** An Edge that answers any customer with twenty entitlements, and costs itself little. */
import { createServer } from "node:http";

const iso = (ms) => new Date(ms).toISOString();
const METERED = 8;
const ENTITLEMENTS = 20;
const templates = new Map();

function bodyOf(customer) {
  const at = Date.UTC(2026, 0, 1) + (customer % 1000) * 1_000;
  const known = templates.get(customer % 1000);
  if (known !== undefined) return known;
  const entitlementsV2 = Array.from({ length: ENTITLEMENTS }, (_, i) => {
    const isMetered = i < METERED;
    return {
      __typename: "FeatureEntitlement",
      isGranted: true,
      accessDeniedReason: null,
      usageLimit: isMetered ? 100 * (1 + (customer % 5)) : null,
      hasUnlimitedUsage: false,
      hasSoftLimit: false,
      currentUsage: isMetered ? (customer * 7 + i) % 100 : null,
      enumValues: null,
      entitlementUpdatedAt: iso(at - 60_000),
      usageUpdatedAt: isMetered ? iso(at - 60_000) : null,
      usagePeriodAnchor: isMetered ? iso(at - 5e8) : null,
      usagePeriodStart: isMetered ? iso(at - 5e8) : null,
      usagePeriodEnd: isMetered ? iso(at + 2e9) : null,
      resetPeriod: isMetered ? "MONTH" : null,
      resetPeriodConfiguration: null,
      creditRate: null,
      validUntil: null,
      feature: {
        refId: `${isMetered ? "m" : "b"}${i}`,
        displayName: `Feature ${i}`,
        featureType: isMetered ? "NUMBER" : "BOOLEAN",
        meterType: isMetered ? "Fluctuating" : null,
        featureUnits: null,
        featureUnitsPlural: null,
      },
    };
  });
  const body = Buffer.from(
    JSON.stringify({ data: { entitlementsState: { entitlementsV2, accessDeniedReason: null } } }),
  );
  templates.set(customer % 1000, body);
  return body;
}

const server = createServer((request, response) => {
  const found = /customer-(\d+)/.exec(request.url ?? "");
  const body = found === null ? Buffer.from('{"data":{}}') : bodyOf(Number(found[1]));
  response.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }));
process.on("disconnect", () => process.exit());
