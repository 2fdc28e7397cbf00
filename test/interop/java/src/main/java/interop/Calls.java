package interop;

import io.grpc.ManagedChannel;
import java.util.concurrent.TimeUnit;
import stigg.sidecar.v1.CreditEntitlement;
import stigg.sidecar.v1.GetBooleanEntitlementRequest;
import stigg.sidecar.v1.GetEntitlementV2Request;
import stigg.sidecar.v1.GetEntitlementsRequest;
import stigg.sidecar.v1.GetMeteredEntitlementRequest;
import stigg.sidecar.v1.GetMeteredEntitlementResponse;
import stigg.sidecar.v1.MeteredEntitlement;
import stigg.sidecar.v1.MeteredEntitlementOptions;
import stigg.sidecar.v1.SidecarServiceGrpc;
import stigg.sidecar.v1.SidecarServiceGrpc.SidecarServiceBlockingStub;

/** The calls that several checks make. */
final class Calls {
  static final String CUSTOMER = "acme";
  static final long PATIENCE_SECONDS = 30;

  final ManagedChannel channel;

  Calls(ManagedChannel channel) {
    this.channel = channel;
  }

  /** Deadlines are timestamps, so each call gets a new one. */
  SidecarServiceBlockingStub sidecar() {
    return SidecarServiceGrpc.newBlockingStub(channel).withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  MeteredEntitlement metered(String feature) {
    return sidecar().getMeteredEntitlement(
        GetMeteredEntitlementRequest.newBuilder().setCustomerId(CUSTOMER).setFeatureId(feature).build()).getEntitlement();
  }

  GetMeteredEntitlementResponse requesting(String feature, double usage) {
    return sidecar().getMeteredEntitlement(GetMeteredEntitlementRequest.newBuilder()
        .setCustomerId(CUSTOMER).setFeatureId(feature)
        .setOptions(MeteredEntitlementOptions.newBuilder().setRequestedUsage(usage)).build());
  }

  CreditEntitlement tokens() {
    return sidecar().getEntitlementV2(
        GetEntitlementV2Request.newBuilder().setCustomerId(CUSTOMER).setCurrencyId("tokens").build())
        .getEntitlement().getCredit();
  }

  static GetEntitlementsRequest listOf(String customer) {
    return GetEntitlementsRequest.newBuilder().setCustomerId(customer).build();
  }

  static GetBooleanEntitlementRequest.Builder ofFeature(String customer, String feature) {
    return GetBooleanEntitlementRequest.newBuilder().setCustomerId(customer).setFeatureId(feature);
  }
}
