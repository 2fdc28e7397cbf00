/** What clients ask for at their start. They use nothing of it; that it is answered tells them that their key is valid. */
export const SDK_CONFIGURATION = {
  __typename: "SdkConfiguration",
  sentryDsn: null,
  isWidgetWatermarkEnabled: false,
} as const;
