package interop;

import java.util.List;
import stigg.sidecar.v1.AccessDeniedReason;
import stigg.sidecar.v1.BooleanEntitlementFallback;
import stigg.sidecar.v1.BooleanEntitlementOptions;
import stigg.sidecar.v1.CreditEntitlement;
import stigg.sidecar.v1.Entitlement;
import stigg.sidecar.v1.EntitlementV2;
import stigg.sidecar.v1.EnumEntitlementOptions;
import stigg.sidecar.v1.FeatureType;
import stigg.sidecar.v1.GetBooleanEntitlementResponse;
import stigg.sidecar.v1.GetEntitlementFallback;
import stigg.sidecar.v1.GetEntitlementOptions;
import stigg.sidecar.v1.GetEntitlementRequest;
import stigg.sidecar.v1.GetEntitlementResponse;
import stigg.sidecar.v1.GetEntitlementV2Request;
import stigg.sidecar.v1.GetEntitlementsResponse;
import stigg.sidecar.v1.GetEntitlementsStateV2Request;
import stigg.sidecar.v1.GetEnumEntitlementRequest;
import stigg.sidecar.v1.GetEnumEntitlementResponse;
import stigg.sidecar.v1.GetMeteredEntitlementResponse;
import stigg.sidecar.v1.GetNumericEntitlementRequest;
import stigg.sidecar.v1.GetNumericEntitlementResponse;
import stigg.sidecar.v1.MeterType;

/** What customers are entitled to. */
final class FeatureChecks {
  private final Suite suite;
  private final Calls calls;

  FeatureChecks(Suite suite, Calls calls) {
    this.suite = suite;
    this.calls = calls;
  }

  void checkLists() {
    suite.check("GetEntitlements lists every kind of feature", r -> {
      GetEntitlementsResponse answer = calls.sidecar().getEntitlements(Calls.listOf(Calls.CUSTOMER));
      List<String> kinds = answer.getEntitlementsList().stream().map(FeatureChecks::kindAndId).sorted().toList();
      r.equal("kinds", kinds, List.of("boolean:sso", "enum:regions", "metered:api-calls", "metered:completions",
          "metered:exported-mb", "metered:seats", "numeric:retention-days"));
      r.equal("access_denied_reason is there", answer.hasAccessDeniedReason(), false);
    });
    suite.check("GetEntitlements explains an empty list", r -> {
      GetEntitlementsResponse answer = calls.sidecar().getEntitlements(Calls.listOf("nobody"));
      r.equal("entitlements", answer.getEntitlementsCount(), 0);
      r.equal("access_denied_reason", answer.getAccessDeniedReason(), AccessDeniedReason.ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND);
    });
    suite.check("GetEntitlementsStateV2 lists features and credits", r -> {
      List<EntitlementV2> entitlements = calls.sidecar()
          .getEntitlementsStateV2(GetEntitlementsStateV2Request.newBuilder().setCustomerId(Calls.CUSTOMER).build())
          .getEntitlementsList();
      r.equal("entitlements", entitlements.size(), 8);
      r.equal("all granted", entitlements.stream().allMatch(EntitlementV2::getHasAccess), true);
      r.equal("credits", entitlements.stream().filter(EntitlementV2::hasCredit)
          .map(entitlement -> entitlement.getCredit().getCurrency().getCurrencyId()).toList(), List.of("tokens"));
    });
  }

  void checkSingleFeatures() {
    suite.check("GetEntitlement answers in the feature's own kind", r -> {
      GetEntitlementResponse answer = calls.sidecar().getEntitlement(GetEntitlementRequest.newBuilder()
          .setCustomerId(Calls.CUSTOMER).setFeatureId("seats")
          .setOptions(GetEntitlementOptions.newBuilder().setRequestedUsage(7)).build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("is_fallback", answer.getIsFallback(), false);
      r.equal("kind", answer.getEntitlementCase(), GetEntitlementResponse.EntitlementCase.METERED);
      r.equal("usage_limit", answer.getMetered().getUsageLimit(), 10.0);
      r.equal("current_usage", answer.getMetered().getCurrentUsage(), 3.0);
    });
    suite.check("GetEntitlement answers the request's fallback for an unknown feature", r -> {
      GetEntitlementResponse answer = calls.sidecar().getEntitlement(GetEntitlementRequest.newBuilder()
          .setCustomerId(Calls.CUSTOMER).setFeatureId("teleport")
          .setOptions(GetEntitlementOptions.newBuilder()
              .setFallback(GetEntitlementFallback.newBuilder().setHasAccess(true).setValue(7))).build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("is_fallback", answer.getIsFallback(), true);
      r.equal("kind", answer.getEntitlementCase(), GetEntitlementResponse.EntitlementCase.NUMERIC);
      r.equal("value", answer.getNumeric().getValue(), 7);
    });
    suite.check("GetBooleanEntitlement grants", r -> {
      GetBooleanEntitlementResponse answer = calls.sidecar().getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "sso").build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("access_denied_reason is there", answer.hasAccessDeniedReason(), false);
      r.equal("feature.id", answer.getEntitlement().getFeature().getId(), "sso");
      r.equal("feature.feature_type", answer.getEntitlement().getFeature().getFeatureType(), FeatureType.FEATURE_TYPE_BOOLEAN);
    });
    suite.check("GetBooleanEntitlement tells another kind from its own", r -> {
      GetBooleanEntitlementResponse answer = calls.sidecar().getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "seats")
          .setOptions(BooleanEntitlementOptions.newBuilder()
              .setFallback(BooleanEntitlementFallback.newBuilder().setHasAccess(true))).build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("is_fallback", answer.getIsFallback(), true);
      r.equal("access_denied_reason", answer.getAccessDeniedReason(), AccessDeniedReason.ACCESS_DENIED_REASON_FEATURE_TYPE_MISMATCH);
    });
    suite.check("GetBooleanEntitlement knows a resource's own plan", r -> {
      r.equal("of the resource", calls.sidecar()
          .getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "white-label").setResourceId("site-1").build()).getHasAccess(), true);
      GetBooleanEntitlementResponse denied = calls.sidecar().getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "white-label").build());
      r.equal("of the customer", denied.getHasAccess(), false);
      r.equal("access_denied_reason", denied.getAccessDeniedReason(),
          AccessDeniedReason.ACCESS_DENIED_REASON_NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION);
    });
    suite.check("GetBooleanEntitlement takes ids beyond ASCII", r ->
        r.equal("has_access", calls.sidecar().getBooleanEntitlement(
            Calls.ofFeature("zo\u00eb & s\u00f6hne/\u65e5\u672c", "sso").build()).getHasAccess(), true));
    suite.check("GetNumericEntitlement answers the configured number", r -> {
      GetNumericEntitlementResponse answer = calls.sidecar().getNumericEntitlement(
          GetNumericEntitlementRequest.newBuilder().setCustomerId(Calls.CUSTOMER).setFeatureId("retention-days").build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("value", answer.getEntitlement().getValue(), 30);
      r.equal("is_unlimited", answer.getEntitlement().getIsUnlimited(), false);
    });
    suite.check("GetMeteredEntitlement denies what exceeds the limit", r -> {
      GetMeteredEntitlementResponse answer = calls.requesting("seats", 7.5);
      r.equal("has_access", answer.getHasAccess(), false);
      r.equal("access_denied_reason", answer.getAccessDeniedReason(),
          AccessDeniedReason.ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT);
      r.equal("requested_usage", answer.getRequestedUsage(), 7.5);
      r.equal("current_usage", answer.getEntitlement().getCurrentUsage(), 3.0);
      r.equal("feature.units", answer.getEntitlement().getFeature().getUnits(), "seat");
      r.equal("feature.meter_type", answer.getEntitlement().getFeature().getMeterType(), MeterType.METER_TYPE_FLUCTUATING);
    });
    suite.check("GetEnumEntitlement grants values that are among its own", r -> {
      GetEnumEntitlementResponse answer = regions("eu");
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("requested_values", List.copyOf(answer.getRequestedValuesList()), List.of("eu"));
      r.equal("enum_values", List.copyOf(answer.getEntitlement().getEnumValuesList()), List.of("eu", "us"));
    });
    suite.check("GetEnumEntitlement denies a value too many", r -> {
      GetEnumEntitlementResponse answer = regions("eu", "mars");
      r.equal("has_access", answer.getHasAccess(), false);
      r.equal("access_denied_reason", answer.getAccessDeniedReason(),
          AccessDeniedReason.ACCESS_DENIED_REASON_REQUESTED_VALUES_MISMATCH);
    });
  }

  void checkSecondGeneration() {
    suite.check("GetEntitlementV2 answers for a feature", r -> {
      EntitlementV2 entitlement = calls.sidecar().getEntitlementV2(GetEntitlementV2Request.newBuilder()
          .setCustomerId(Calls.CUSTOMER).setFeatureId("retention-days").build()).getEntitlement();
      r.equal("has_access", entitlement.getHasAccess(), true);
      r.equal("kind", entitlement.getEntitlementCase(), EntitlementV2.EntitlementCase.NUMERIC);
      r.equal("value", entitlement.getNumeric().getValue(), 30);
    });
    suite.check("GetEntitlementV2 answers for credits", r -> {
      CreditEntitlement credit = calls.tokens();
      r.equal("usage_limit", credit.getUsageLimit(), 500.0);
      r.equal("current_usage", credit.getCurrentUsage(), 0.0);
      r.equal("remaining", credit.getRemaining(), 500.0);
      r.equal("currency.display_name", credit.getCurrency().getDisplayName(), "Tokens");
      r.equal("currency.unit_plural", credit.getCurrency().getUnitPlural(), "tokens");
      r.equal("currency.additional_meta_data",
          credit.getCurrency().getAdditionalMetaData().getFieldsOrThrow("tier").getStringValue(), "gold");
    });
  }

  private GetEnumEntitlementResponse regions(String... requested) {
    return calls.sidecar().getEnumEntitlement(GetEnumEntitlementRequest.newBuilder()
        .setCustomerId(Calls.CUSTOMER).setFeatureId("regions")
        .setOptions(EnumEntitlementOptions.newBuilder().addAllRequestedValues(List.of(requested))).build());
  }

  private static String kindAndId(Entitlement entitlement) {
    return switch (entitlement.getEntitlementCase()) {
      case BOOLEAN -> "boolean:" + entitlement.getBoolean().getFeature().getId();
      case NUMERIC -> "numeric:" + entitlement.getNumeric().getFeature().getId();
      case METERED -> "metered:" + entitlement.getMetered().getFeature().getId();
      case ENUM -> "enum:" + entitlement.getEnum().getFeature().getId();
      case ENTITLEMENT_NOT_SET -> "none";
    };
  }
}
