package interop;

import com.google.protobuf.Empty;
import com.google.protobuf.Timestamp;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import stigg.sidecar.v1.AccessDeniedReason;
import stigg.sidecar.v1.EntitlementResetPeriod;
import stigg.sidecar.v1.Event;
import stigg.sidecar.v1.EventDimensionValue;
import stigg.sidecar.v1.GetMeteredEntitlementResponse;
import stigg.sidecar.v1.MeteredEntitlement;
import stigg.sidecar.v1.ReloadEntitlementsRequest;
import stigg.sidecar.v1.ReportEventsRequest;
import stigg.sidecar.v1.ReportUsageBulkRequest;
import stigg.sidecar.v1.ReportUsageBulkResponse;
import stigg.sidecar.v1.ReportUsageRequest;
import stigg.sidecar.v1.ReportUsageResponse;
import stigg.sidecar.v1.UsageUpdateBehavior;

/** What was used, and what of it the next check knows. */
final class ReportChecks {
  private final Suite suite;
  private final Calls calls;

  ReportChecks(Suite suite, Calls calls) {
    this.suite = suite;
    this.calls = calls;
  }

  void checkReports() {
    suite.check("ReportUsage adds, and the next check knows", r -> {
      Instant now = Instant.now();
      ReportUsageResponse answer = calls.sidecar().reportUsage(ReportUsageRequest.newBuilder()
          .setCustomerId(Calls.CUSTOMER).setFeatureId("api-calls").setValue(5.5)
          .setUpdateBehavior(UsageUpdateBehavior.USAGE_UPDATE_BEHAVIOR_DELTA)
          .setTimestamp(Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()))
          .putDimensions("route", EventDimensionValue.newBuilder().setStringValue("/v1/things").build())
          .putDimensions("weight", EventDimensionValue.newBuilder().setNumberValue(1.5).build())
          .putDimensions("cached", EventDimensionValue.newBuilder().setBooleanValue(true).build())
          .build());
      r.equal("measurement_id is there", !answer.getMeasurementId().isEmpty(), true);
      r.equal("customer_id", answer.getCustomerId(), Calls.CUSTOMER);
      r.equal("feature_id", answer.getFeatureId(), "api-calls");
      r.equal("current_usage", answer.getCurrentUsage(), 5.5);
      r.equal("the period is of now",
          answer.getUsagePeriodStart().getSeconds() <= now.getEpochSecond()
              && answer.getUsagePeriodEnd().getSeconds() > now.getEpochSecond(), true);
      MeteredEntitlement check = calls.metered("api-calls");
      r.equal("current_usage of the check", check.getCurrentUsage(), 5.5);
      r.equal("reset_period", check.getResetPeriod(), EntitlementResetPeriod.ENTITLEMENT_RESET_PERIOD_MONTH);
      r.equal("next_reset_date", check.getNextResetDate(), answer.getUsagePeriodEnd());
    });
    suite.check("ReportUsage takes usage back", r ->
        r.equal("current_usage", calls.sidecar().reportUsage(usage("seats", -1).build()).getCurrentUsage(), 2.0));
    suite.check("ReportUsage sets", r -> {
      ReportUsageResponse answer = calls.sidecar().reportUsage(
          usage("seats", 9).setUpdateBehavior(UsageUpdateBehavior.USAGE_UPDATE_BEHAVIOR_SET).build());
      r.equal("current_usage", answer.getCurrentUsage(), 9.0);
      r.equal("current_usage of the check", calls.metered("seats").getCurrentUsage(), 9.0);
    });
    suite.check("ReportUsage draws credits", r -> {
      calls.sidecar().reportUsage(usage("completions", 10).build());
      r.equal("remaining", calls.tokens().getRemaining(), 480.0);
      GetMeteredEntitlementResponse denied = calls.requesting("completions", 241);
      r.equal("has_access beyond", denied.getHasAccess(), false);
      r.equal("access_denied_reason", denied.getAccessDeniedReason(), AccessDeniedReason.ACCESS_DENIED_REASON_INSUFFICIENT_CREDITS);
    });
    suite.check("ReportUsageBulk answers each report in order", r -> {
      ReportUsageBulkResponse answer = calls.sidecar().reportUsageBulk(ReportUsageBulkRequest.newBuilder()
          .addUsages(usage("api-calls", 1)).addUsages(usage("seats", 1)).build());
      r.equal("usages", answer.getUsagesList().stream().map(one -> one.getFeatureId() + " " + one.getCurrentUsage()).toList(),
          List.of("api-calls 6.5", "seats 10.0"));
    });
    suite.check("ReportEvents feeds a meter, once for each key", r -> {
      ReportEventsRequest events = ReportEventsRequest.newBuilder()
          .addEvents(export("java-1", 4)).addEvents(export("java-2", 2.5)).build();
      r.equal("answer", calls.sidecar().reportEvents(events), Empty.getDefaultInstance());
      r.equal("answer to the same again", calls.sidecar().reportEvents(events), Empty.getDefaultInstance());
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(Calls.PATIENCE_SECONDS);
      double counted = 0;
      while (counted < 6.5 && System.nanoTime() < deadline) counted = calls.metered("exported-mb").getCurrentUsage();
      r.equal("current_usage", counted, 6.5);
    });
    suite.check("ReloadEntitlements tells whether there is someone", r -> {
      r.equal("a customer", reload(Calls.CUSTOMER), true);
      r.equal("nobody", reload("nobody"), false);
    });
  }

  private boolean reload(String customer) {
    return calls.sidecar().reloadEntitlements(ReloadEntitlementsRequest.newBuilder().setCustomerId(customer).build())
        .getEntitledEntityExists();
  }

  private static ReportUsageRequest.Builder usage(String feature, double value) {
    return ReportUsageRequest.newBuilder().setCustomerId(Calls.CUSTOMER).setFeatureId(feature).setValue(value);
  }

  private static Event export(String key, double megabytes) {
    return Event.newBuilder().setEventName("export.finished").setCustomerId(Calls.CUSTOMER).setIdempotencyKey(key)
        .putDimensions("megabytes", EventDimensionValue.newBuilder().setNumberValue(megabytes).build()).build();
  }
}
