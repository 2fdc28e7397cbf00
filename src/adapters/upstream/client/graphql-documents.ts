import { ENTITLEMENT_SELECTION } from "../../../wire/entitlement-selection.js";

/** One operation of upstream's GraphQL API: what is asked, by its name. */
export interface GraphqlOperation {
  readonly name: string;
  readonly document: string;
  /** Whether it tells of usage. */
  readonly takesReports: boolean;
}

export const GET_ENTITLEMENTS_STATE: GraphqlOperation = {
  name: "GetEntitlementsState",
  takesReports: false,
  document: `query GetEntitlementsState($query: FetchEntitlementsQuery!) {
  entitlementsState(query: $query) {
    accessDeniedReason
    entitlementsV2 { ${ENTITLEMENT_SELECTION} }
  }
}`,
};

/** The smallest question that the API answers to a valid key alone. */
export const GET_SDK_CONFIGURATION: GraphqlOperation = {
  name: "GetSdkConfiguration",
  takesReports: false,
  document: "query GetSdkConfiguration { sdkConfiguration { isWidgetWatermarkEnabled } }",
};

const MEASUREMENT_SELECTION = `
id
customerId
resourceId
featureId
currentUsage
usagePeriodStart
usagePeriodEnd
timestamp
credit { currencyId currentUsage usagePeriodEnd timestamp }`;

export const REPORT_USAGE: GraphqlOperation = {
  name: "ReportUsage",
  takesReports: true,
  document: `mutation ReportUsage($input: ReportUsageInput!) {
  reportUsage(input: $input) { ${MEASUREMENT_SELECTION} }
}`,
};

export const REPORT_USAGE_BULK: GraphqlOperation = {
  name: "ReportUsageBulk",
  takesReports: true,
  document: `mutation ReportUsageBulk($input: ReportUsageBulkInput!) {
  reportUsageBulk(input: $input) { ${MEASUREMENT_SELECTION} }
}`,
};

export const REPORT_EVENT: GraphqlOperation = {
  name: "ReportEvent",
  takesReports: true,
  document: `mutation ReportEvent($input: UsageEventsReportInput!) {
  reportEvent(events: $input)
}`,
};
