import { describe, expect, it } from "@jest/globals";
import { gateOf } from "../../../../src/bootstrap/config/settings/ext-authz-settings.js";
import { loadConfig } from "../../../../src/bootstrap/config/sidecar-config.js";

const ON = { OFFLINE: "true", EXT_AUTHZ_ENABLED: "true" };

function gateBy(environment: Readonly<Record<string, string>>) {
  return gateOf(loadConfig(environment).config);
}

describe("how gateways are answered", () => {
  it("is not at all, unless it is asked for", () => {
    expect(gateBy({ OFFLINE: "true" })).toBeUndefined();
    expect(loadConfig({ OFFLINE: "true", EXT_AUTHZ_UNGATED: "allow" }).warnings.join("\n")).toContain(
      "EXT_AUTHZ_ENABLED",
    );
  });

  it("is by these headers, and strictly, unless an operator says otherwise", () => {
    expect(gateBy(ON)).toEqual({
      headers: {
        customerId: "x-customer-id",
        featureId: "x-feature-id",
        resourceId: "x-resource-id",
        requestedUsage: "x-requested-usage",
      },
      deniedStatus: undefined,
      passesUngated: false,
    });
  });

  it("is as an operator says", () => {
    const gate = gateBy({
      ...ON,
      EXT_AUTHZ_CUSTOMER_HEADER: "X-Tenant",
      EXT_AUTHZ_FEATURE_HEADER: "none",
      EXT_AUTHZ_RESOURCE_HEADER: "x-site",
      EXT_AUTHZ_USAGE_HEADER: "x-amount",
      EXT_AUTHZ_DENIED_STATUS: "404",
      EXT_AUTHZ_UNGATED: "allow",
    });
    expect(gate).toEqual({
      headers: { customerId: "x-tenant", featureId: undefined, resourceId: "x-site", requestedUsage: "x-amount" },
      deniedStatus: "404",
      passesUngated: true,
    });
  });

  it.each([
    ["EXT_AUTHZ_CUSTOMER_HEADER", "x customer"],
    ["EXT_AUTHZ_FEATURE_HEADER", ":path"],
    ["EXT_AUTHZ_DENIED_STATUS", "200"],
    ["EXT_AUTHZ_UNGATED", "maybe"],
  ])("is refused at the start by %s=%s", (name, value) => {
    expect(() => gateBy({ ...ON, [name]: value })).toThrow(name);
  });
});
