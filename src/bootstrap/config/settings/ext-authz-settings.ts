import type { DeniedStatus } from "../../../adapters/rpc/ext-authz/gate-answers.js";
import type { GateSettings } from "../../../adapters/rpc/ext-authz/gate-calls.js";
import type { CrossRule, UnusedRule } from "../setting-rules.js";
import { boolean, oneOf, type Parser } from "./parsers.js";
import { optional, type Setting, type Values, withDefault } from "./setting.js";

/** In place of a header's name: what it would say is taken from no header. */
const NO_HEADER = "none";

const DENIED_STATUSES: readonly DeniedStatus[] = ["402", "403", "404", "429"];

const headerName: Parser<string> = {
  allowed: `the name of an HTTP header, or ${NO_HEADER}`,
  parse(text) {
    const name = text.toLowerCase();
    return /^[a-z\d!#$%&'*+.^_`|~-]+$/.test(name) ? { ok: true, value: name } : { ok: false };
  },
};

const header = (name: string, otherwise: string, what: string) =>
  withDefault(name, headerName, otherwise, {
    description: `the header of a gateway's request that names ${what}; none: no header does`,
  });

/** How gateways are answered that ask by Envoy's external authorization protocol. */
export const EXT_AUTHZ_SETTINGS = {
  extAuthzEnabled: withDefault("EXT_AUTHZ_ENABLED", boolean, false, {
    description: "answer gateways by Envoy's external authorization protocol, on the service port (docs/envoy.md)",
  }),
  extAuthzCustomerHeader: header("EXT_AUTHZ_CUSTOMER_HEADER", "x-customer-id", "the customer"),
  extAuthzFeatureHeader: header("EXT_AUTHZ_FEATURE_HEADER", "x-feature-id", "the feature"),
  extAuthzResourceHeader: header("EXT_AUTHZ_RESOURCE_HEADER", "x-resource-id", "one of the customer's resources"),
  extAuthzUsageHeader: header("EXT_AUTHZ_USAGE_HEADER", "x-requested-usage", "how much it is about to use"),
  extAuthzDeniedStatus: optional("EXT_AUTHZ_DENIED_STATUS", oneOf(DENIED_STATUSES), {
    description: `the HTTP status of a denial: ${DENIED_STATUSES.join(", ")}`,
    defaultText: "429 where a limit is used up that is reset at a known time, else 403",
  }),
  extAuthzUngated: withDefault("EXT_AUTHZ_UNGATED", oneOf(["deny", "allow"] as const), "deny", {
    description:
      "what becomes of a request that names no feature; one that names a feature and no customer is always denied",
  }),
} as const satisfies Record<string, Setting<unknown>>;

type ExtAuthzConfig = Values<typeof EXT_AUTHZ_SETTINGS>;

export const EXT_AUTHZ_UNUSED_RULES: readonly UnusedRule<ExtAuthzConfig>[] = [
  {
    settings: (Object.keys(EXT_AUTHZ_SETTINGS) as (keyof ExtAuthzConfig)[]).filter((key) => key !== "extAuthzEnabled"),
    decidedBy: ["extAuthzEnabled"],
    reason: ({ extAuthzEnabled }) =>
      extAuthzEnabled ? undefined : "gateways are answered only where EXT_AUTHZ_ENABLED is on",
  },
];

const HEADERS = [
  "extAuthzCustomerHeader",
  "extAuthzFeatureHeader",
  "extAuthzResourceHeader",
  "extAuthzUsageHeader",
] as const;

/** One header would say two things, and whoever may name a feature would name the customer with it. */
export const EXT_AUTHZ_RULES: readonly CrossRule<ExtAuthzConfig>[] = [
  {
    about: ["extAuthzEnabled", ...HEADERS],
    fault: (config) => {
      if (!config.extAuthzEnabled) return undefined;
      for (const [index, key] of HEADERS.entries()) {
        const other = HEADERS.slice(0, index).find((each) => config[each] === config[key]);
        if (other !== undefined && config[key] !== NO_HEADER)
          return `${EXT_AUTHZ_SETTINGS[other].name} and ${EXT_AUTHZ_SETTINGS[key].name} are both ${JSON.stringify(config[key])}: each needs a header of its own, or ${NO_HEADER}`;
      }
      return undefined;
    },
  },
];

/** How gateways are answered by Envoy's external authorization protocol; undefined where they are not. */
export function gateOf(config: ExtAuthzConfig): GateSettings | undefined {
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
