package interop;

import com.google.protobuf.Empty;
import com.google.protobuf.Timestamp;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import stigg.sidecar.v1.AccessDeniedReason;
import stigg.sidecar.v1.BooleanEntitlementFallback;
import stigg.sidecar.v1.BooleanEntitlementOptions;
import stigg.sidecar.v1.CreditEntitlement;
import stigg.sidecar.v1.Entitlement;
import stigg.sidecar.v1.EntitlementResetPeriod;
import stigg.sidecar.v1.EntitlementV2;
import stigg.sidecar.v1.EnumEntitlementOptions;
import stigg.sidecar.v1.Event;
import stigg.sidecar.v1.EventDimensionValue;
import stigg.sidecar.v1.FeatureType;
import stigg.sidecar.v1.GetBooleanEntitlementRequest;
import stigg.sidecar.v1.GetBooleanEntitlementResponse;
import stigg.sidecar.v1.GetEntitlementFallback;
import stigg.sidecar.v1.GetEntitlementOptions;
import stigg.sidecar.v1.GetEntitlementRequest;
import stigg.sidecar.v1.GetEntitlementResponse;
import stigg.sidecar.v1.GetEntitlementV2Request;
import stigg.sidecar.v1.GetEntitlementsRequest;
import stigg.sidecar.v1.GetEntitlementsResponse;
import stigg.sidecar.v1.GetEntitlementsStateV2Request;
import stigg.sidecar.v1.GetEnumEntitlementRequest;
import stigg.sidecar.v1.GetEnumEntitlementResponse;
import stigg.sidecar.v1.GetMeteredEntitlementRequest;
import stigg.sidecar.v1.GetMeteredEntitlementResponse;
import stigg.sidecar.v1.GetNumericEntitlementRequest;
import stigg.sidecar.v1.GetNumericEntitlementResponse;
import stigg.sidecar.v1.MeteredEntitlement;
import stigg.sidecar.v1.MeteredEntitlementOptions;
import stigg.sidecar.v1.MeterType;
import stigg.sidecar.v1.ReloadEntitlementsRequest;
import stigg.sidecar.v1.ReportEventsRequest;
import stigg.sidecar.v1.ReportUsageBulkRequest;
import stigg.sidecar.v1.ReportUsageBulkResponse;
import stigg.sidecar.v1.ReportUsageRequest;
import stigg.sidecar.v1.ReportUsageResponse;
import stigg.sidecar.v1.SidecarServiceGrpc;
import stigg.sidecar.v1.SidecarServiceGrpc.SidecarServiceBlockingStub;
import stigg.sidecar.v1.SidecarServiceGrpc.SidecarServiceFutureStub;
import stigg.sidecar.v1.UsageUpdateBehavior;

/**
 * Calls every method of a running sidecar with grpc-java and stubs generated from this project's proto.
 *
 * <p>Takes HOST:PORT. Prints one JSON line for each check, and exits 1 when one of them found something else
 * than it expects. What it expects is the catalog of ../catalog.ts.
 */
public final class Client {
  private static final String CUSTOMER = "acme";
  private static final long PATIENCE_SECONDS = 30;

  private final Suite suite = new Suite();
  private final ManagedChannel channel;

  private Client(ManagedChannel channel) {
    this.channel = channel;
  }

  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length != 1) {
      System.err.println("usage: Client HOST:PORT");
      System.exit(2);
    }
    ManagedChannel channel = NettyChannelBuilder.forTarget(arguments[0]).usePlaintext().build();
    Client client = new Client(channel);
    try {
      client.checkLists();
      client.checkSingleFeatures();
      client.checkSecondGeneration();
      client.checkReports();
      client.checkRefusals();
      client.checkTransport();
    } finally {
      channel.shutdownNow().awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
    System.exit(client.suite.hasFailed() ? 1 : 0);
  }

  private void checkLists() {
    suite.check("GetEntitlements lists every kind of feature", r -> {
      GetEntitlementsResponse answer = sidecar().getEntitlements(listOf(CUSTOMER));
      List<String> kinds = answer.getEntitlementsList().stream().map(Client::kindAndId).sorted().toList();
      r.equal("kinds", kinds, List.of("boolean:sso", "enum:regions", "metered:api-calls", "metered:completions",
          "metered:exported-mb", "metered:seats", "numeric:retention-days"));
      r.equal("access_denied_reason is there", answer.hasAccessDeniedReason(), false);
    });
    suite.check("GetEntitlements explains an empty list", r -> {
      GetEntitlementsResponse answer = sidecar().getEntitlements(listOf("nobody"));
      r.equal("entitlements", answer.getEntitlementsCount(), 0);
      r.equal("access_denied_reason", answer.getAccessDeniedReason(), AccessDeniedReason.ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND);
    });
    suite.check("GetEntitlementsStateV2 lists features and credits", r -> {
      List<EntitlementV2> entitlements = sidecar()
          .getEntitlementsStateV2(GetEntitlementsStateV2Request.newBuilder().setCustomerId(CUSTOMER).build())
          .getEntitlementsList();
      r.equal("entitlements", entitlements.size(), 8);
      r.equal("all granted", entitlements.stream().allMatch(EntitlementV2::getHasAccess), true);
      r.equal("credits", entitlements.stream().filter(EntitlementV2::hasCredit)
          .map(entitlement -> entitlement.getCredit().getCurrency().getCurrencyId()).toList(), List.of("tokens"));
    });
  }

  private void checkSingleFeatures() {
    suite.check("GetEntitlement answers in the feature's own kind", r -> {
      GetEntitlementResponse answer = sidecar().getEntitlement(GetEntitlementRequest.newBuilder()
          .setCustomerId(CUSTOMER).setFeatureId("seats")
          .setOptions(GetEntitlementOptions.newBuilder().setRequestedUsage(7)).build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("is_fallback", answer.getIsFallback(), false);
      r.equal("kind", answer.getEntitlementCase(), GetEntitlementResponse.EntitlementCase.METERED);
      r.equal("usage_limit", answer.getMetered().getUsageLimit(), 10.0);
      r.equal("current_usage", answer.getMetered().getCurrentUsage(), 3.0);
    });
    suite.check("GetEntitlement answers the request's fallback for an unknown feature", r -> {
      GetEntitlementResponse answer = sidecar().getEntitlement(GetEntitlementRequest.newBuilder()
          .setCustomerId(CUSTOMER).setFeatureId("teleport")
          .setOptions(GetEntitlementOptions.newBuilder()
              .setFallback(GetEntitlementFallback.newBuilder().setHasAccess(true).setValue(7))).build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("is_fallback", answer.getIsFallback(), true);
      r.equal("kind", answer.getEntitlementCase(), GetEntitlementResponse.EntitlementCase.NUMERIC);
      r.equal("value", answer.getNumeric().getValue(), 7);
    });
    suite.check("GetBooleanEntitlement grants", r -> {
      GetBooleanEntitlementResponse answer = sidecar().getBooleanEntitlement(ofFeature(CUSTOMER, "sso").build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("access_denied_reason is there", answer.hasAccessDeniedReason(), false);
      r.equal("feature.id", answer.getEntitlement().getFeature().getId(), "sso");
      r.equal("feature.feature_type", answer.getEntitlement().getFeature().getFeatureType(), FeatureType.FEATURE_TYPE_BOOLEAN);
    });
    suite.check("GetBooleanEntitlement tells another kind from its own", r -> {
      GetBooleanEntitlementResponse answer = sidecar().getBooleanEntitlement(ofFeature(CUSTOMER, "seats")
          .setOptions(BooleanEntitlementOptions.newBuilder()
              .setFallback(BooleanEntitlementFallback.newBuilder().setHasAccess(true))).build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("is_fallback", answer.getIsFallback(), true);
      r.equal("access_denied_reason", answer.getAccessDeniedReason(), AccessDeniedReason.ACCESS_DENIED_REASON_FEATURE_TYPE_MISMATCH);
    });
    suite.check("GetBooleanEntitlement knows a resource's own plan", r -> {
      r.equal("of the resource", sidecar()
          .getBooleanEntitlement(ofFeature(CUSTOMER, "white-label").setResourceId("site-1").build()).getHasAccess(), true);
      GetBooleanEntitlementResponse denied = sidecar().getBooleanEntitlement(ofFeature(CUSTOMER, "white-label").build());
      r.equal("of the customer", denied.getHasAccess(), false);
      r.equal("access_denied_reason", denied.getAccessDeniedReason(),
          AccessDeniedReason.ACCESS_DENIED_REASON_NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION);
    });
    suite.check("GetBooleanEntitlement takes ids beyond ASCII", r ->
        r.equal("has_access", sidecar().getBooleanEntitlement(
            ofFeature("zo\u00eb & s\u00f6hne/\u65e5\u672c", "sso").build()).getHasAccess(), true));
    suite.check("GetNumericEntitlement answers the configured number", r -> {
      GetNumericEntitlementResponse answer = sidecar().getNumericEntitlement(
          GetNumericEntitlementRequest.newBuilder().setCustomerId(CUSTOMER).setFeatureId("retention-days").build());
      r.equal("has_access", answer.getHasAccess(), true);
      r.equal("value", answer.getEntitlement().getValue(), 30);
      r.equal("is_unlimited", answer.getEntitlement().getIsUnlimited(), false);
    });
    suite.check("GetMeteredEntitlement denies what exceeds the limit", r -> {
      GetMeteredEntitlementResponse answer = requesting("seats", 7.5);
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

  private void checkSecondGeneration() {
    suite.check("GetEntitlementV2 answers for a feature", r -> {
      EntitlementV2 entitlement = sidecar().getEntitlementV2(GetEntitlementV2Request.newBuilder()
          .setCustomerId(CUSTOMER).setFeatureId("retention-days").build()).getEntitlement();
      r.equal("has_access", entitlement.getHasAccess(), true);
      r.equal("kind", entitlement.getEntitlementCase(), EntitlementV2.EntitlementCase.NUMERIC);
      r.equal("value", entitlement.getNumeric().getValue(), 30);
    });
    suite.check("GetEntitlementV2 answers for credits", r -> {
      CreditEntitlement credit = tokens();
      r.equal("usage_limit", credit.getUsageLimit(), 500.0);
      r.equal("current_usage", credit.getCurrentUsage(), 0.0);
      r.equal("remaining", credit.getRemaining(), 500.0);
      r.equal("currency.display_name", credit.getCurrency().getDisplayName(), "Tokens");
      r.equal("currency.unit_plural", credit.getCurrency().getUnitPlural(), "tokens");
      r.equal("currency.additional_meta_data",
          credit.getCurrency().getAdditionalMetaData().getFieldsOrThrow("tier").getStringValue(), "gold");
    });
  }

  private void checkReports() {
    suite.check("ReportUsage adds, and the next check knows", r -> {
      Instant now = Instant.now();
      ReportUsageResponse answer = sidecar().reportUsage(ReportUsageRequest.newBuilder()
          .setCustomerId(CUSTOMER).setFeatureId("api-calls").setValue(5.5)
          .setUpdateBehavior(UsageUpdateBehavior.USAGE_UPDATE_BEHAVIOR_DELTA)
          .setTimestamp(Timestamp.newBuilder().setSeconds(now.getEpochSecond()).setNanos(now.getNano()))
          .putDimensions("route", EventDimensionValue.newBuilder().setStringValue("/v1/things").build())
          .putDimensions("weight", EventDimensionValue.newBuilder().setNumberValue(1.5).build())
          .putDimensions("cached", EventDimensionValue.newBuilder().setBooleanValue(true).build())
          .build());
      r.equal("measurement_id is there", !answer.getMeasurementId().isEmpty(), true);
      r.equal("customer_id", answer.getCustomerId(), CUSTOMER);
      r.equal("feature_id", answer.getFeatureId(), "api-calls");
      r.equal("current_usage", answer.getCurrentUsage(), 5.5);
      r.equal("the period is of now",
          answer.getUsagePeriodStart().getSeconds() <= now.getEpochSecond()
              && answer.getUsagePeriodEnd().getSeconds() > now.getEpochSecond(), true);
      MeteredEntitlement check = metered("api-calls");
      r.equal("current_usage of the check", check.getCurrentUsage(), 5.5);
      r.equal("reset_period", check.getResetPeriod(), EntitlementResetPeriod.ENTITLEMENT_RESET_PERIOD_MONTH);
      r.equal("next_reset_date", check.getNextResetDate(), answer.getUsagePeriodEnd());
    });
    suite.check("ReportUsage takes usage back", r ->
        r.equal("current_usage", sidecar().reportUsage(usage("seats", -1).build()).getCurrentUsage(), 2.0));
    suite.check("ReportUsage sets", r -> {
      ReportUsageResponse answer = sidecar().reportUsage(
          usage("seats", 9).setUpdateBehavior(UsageUpdateBehavior.USAGE_UPDATE_BEHAVIOR_SET).build());
      r.equal("current_usage", answer.getCurrentUsage(), 9.0);
      r.equal("current_usage of the check", metered("seats").getCurrentUsage(), 9.0);
    });
    suite.check("ReportUsage draws credits", r -> {
      sidecar().reportUsage(usage("completions", 10).build());
      r.equal("remaining", tokens().getRemaining(), 480.0);
      GetMeteredEntitlementResponse denied = requesting("completions", 241);
      r.equal("has_access beyond", denied.getHasAccess(), false);
      r.equal("access_denied_reason", denied.getAccessDeniedReason(), AccessDeniedReason.ACCESS_DENIED_REASON_INSUFFICIENT_CREDITS);
    });
    suite.check("ReportUsageBulk answers each report in order", r -> {
      ReportUsageBulkResponse answer = sidecar().reportUsageBulk(ReportUsageBulkRequest.newBuilder()
          .addUsages(usage("api-calls", 1)).addUsages(usage("seats", 1)).build());
      r.equal("usages", answer.getUsagesList().stream().map(one -> one.getFeatureId() + " " + one.getCurrentUsage()).toList(),
          List.of("api-calls 6.5", "seats 10.0"));
    });
    suite.check("ReportEvents feeds a meter, once for each key", r -> {
      ReportEventsRequest events = ReportEventsRequest.newBuilder()
          .addEvents(export("java-1", 4)).addEvents(export("java-2", 2.5)).build();
      r.equal("answer", sidecar().reportEvents(events), Empty.getDefaultInstance());
      r.equal("answer to the same again", sidecar().reportEvents(events), Empty.getDefaultInstance());
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
      double counted = 0;
      while (counted < 6.5 && System.nanoTime() < deadline) counted = metered("exported-mb").getCurrentUsage();
      r.equal("current_usage", counted, 6.5);
    });
    suite.check("ReloadEntitlements tells whether there is someone", r -> {
      r.equal("a customer", reload(CUSTOMER), true);
      r.equal("nobody", reload("nobody"), false);
    });
  }

  private void checkRefusals() {
    suite.check("an empty customer_id is refused by name", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> sidecar().getBooleanEntitlement(ofFeature("", "sso").build()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
      r.equal("message names customer_id", String.valueOf(failure.getStatus().getDescription()).contains("customer_id"), true);
    });
    suite.check("GetEntitlementV2 for a feature and credits at once is refused", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> sidecar().getEntitlementV2(GetEntitlementV2Request.newBuilder()
          .setCustomerId(CUSTOMER).setFeatureId("sso").setCurrencyId("tokens").build()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
    });
    suite.check("a number that is none is refused by name", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> requesting("seats", Double.NaN));
      r.equal("code", failure.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
      r.equal("message names requested_usage",
          String.valueOf(failure.getStatus().getDescription()).contains("requested_usage"), true);
    });
    suite.check("an unknown method is unimplemented", r -> {
      MethodDescriptor<Empty, Empty> teleport = MethodDescriptor.<Empty, Empty>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName("stigg.sidecar.v1.SidecarService/Teleport")
          .setRequestMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance()))
          .setResponseMarshaller(ProtoUtils.marshaller(Empty.getDefaultInstance()))
          .build();
      CallOptions patient = CallOptions.DEFAULT.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
      StatusRuntimeException failure = r.fails("the call",
          () -> ClientCalls.blockingUnaryCall(channel, teleport, patient, Empty.getDefaultInstance()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.UNIMPLEMENTED);
    });
  }

  private void checkTransport() {
    suite.check("a gzip request is answered", r ->
        r.equal("entitlements", sidecar().withCompression("gzip").getEntitlements(listOf(CUSTOMER)).getEntitlementsCount(), 7));
    suite.check("a deadline that leaves time is met", r ->
        r.equal("has_access", sidecar().withDeadlineAfter(20, TimeUnit.SECONDS)
            .getBooleanEntitlement(ofFeature(CUSTOMER, "sso").build()).getHasAccess(), true));
    suite.check("a deadline that has passed is told", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> sidecar().withDeadlineAfter(-1, TimeUnit.SECONDS)
          .getBooleanEntitlement(ofFeature(CUSTOMER, "sso").build()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.DEADLINE_EXCEEDED);
    });
    suite.check("many calls share a connection", r -> {
      SidecarServiceFutureStub stub = SidecarServiceGrpc.newFutureStub(channel)
          .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
      List<? extends Future<GetBooleanEntitlementResponse>> calls = IntStream.range(0, 200)
          .mapToObj(i -> stub.getBooleanEntitlement(ofFeature(CUSTOMER, "sso").build())).toList();
      int granted = 0;
      for (Future<GetBooleanEntitlementResponse> call : calls) if (call.get().getHasAccess()) granted++;
      r.equal("granted", granted, 200);
    });
  }

  /** Deadlines are moments, so each call gets a new one. */
  private SidecarServiceBlockingStub sidecar() {
    return SidecarServiceGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  private MeteredEntitlement metered(String feature) {
    return sidecar().getMeteredEntitlement(
        GetMeteredEntitlementRequest.newBuilder().setCustomerId(CUSTOMER).setFeatureId(feature).build()).getEntitlement();
  }

  private GetMeteredEntitlementResponse requesting(String feature, double usage) {
    return sidecar().getMeteredEntitlement(GetMeteredEntitlementRequest.newBuilder()
        .setCustomerId(CUSTOMER).setFeatureId(feature)
        .setOptions(MeteredEntitlementOptions.newBuilder().setRequestedUsage(usage)).build());
  }

  private GetEnumEntitlementResponse regions(String... requested) {
    return sidecar().getEnumEntitlement(GetEnumEntitlementRequest.newBuilder()
        .setCustomerId(CUSTOMER).setFeatureId("regions")
        .setOptions(EnumEntitlementOptions.newBuilder().addAllRequestedValues(List.of(requested))).build());
  }

  private CreditEntitlement tokens() {
    return sidecar().getEntitlementV2(
        GetEntitlementV2Request.newBuilder().setCustomerId(CUSTOMER).setCurrencyId("tokens").build())
        .getEntitlement().getCredit();
  }

  private boolean reload(String customer) {
    return sidecar().reloadEntitlements(ReloadEntitlementsRequest.newBuilder().setCustomerId(customer).build())
        .getEntitledEntityExists();
  }

  private static GetEntitlementsRequest listOf(String customer) {
    return GetEntitlementsRequest.newBuilder().setCustomerId(customer).build();
  }

  private static GetBooleanEntitlementRequest.Builder ofFeature(String customer, String feature) {
    return GetBooleanEntitlementRequest.newBuilder().setCustomerId(customer).setFeatureId(feature);
  }

  private static ReportUsageRequest.Builder usage(String feature, double value) {
    return ReportUsageRequest.newBuilder().setCustomerId(CUSTOMER).setFeatureId(feature).setValue(value);
  }

  private static Event export(String key, double megabytes) {
    return Event.newBuilder().setEventName("export.finished").setCustomerId(CUSTOMER).setIdempotencyKey(key)
        .putDimensions("megabytes", EventDimensionValue.newBuilder().setNumberValue(megabytes).build()).build();
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
