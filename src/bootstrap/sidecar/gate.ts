import type { GateSettings } from "../../adapters/rpc/ext-authz/gate-calls.js";
import { NO_HEADER } from "../config/settings/ext-authz-settings.js";
import type { Config } from "../config/settings/settings.js";

/** How gateways are answered by Envoy's external authorization protocol; undefined where they are not. */
export function gateOf(config: Config): GateSettings | undefined {
  if (!config.extAuthzEnabled) return undefined;
  return {
    headers: {
      customerId: headerOf(config.extAuthzCustomerHeader),
      featureId: headerOf(config.extAuthzFeatureHeader),
      resourceId: headerOf(config.extAuthzResourceHeader),
      requestedUsage: headerOf(config.extAuthzUsageHeader),
    },
    deniedStatus: config.extAuthzDeniedStatus,
    passesUngated: config.extAuthzUngated === "allow",
  };
}

function headerOf(name: string): string | undefined {
  return name === NO_HEADER ? undefined : name;
}
