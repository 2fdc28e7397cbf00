package example;

import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.util.concurrent.TimeUnit;
import stigg.sidecar.v1.GetBooleanEntitlementRequest;
import stigg.sidecar.v1.GetMeteredEntitlementRequest;
import stigg.sidecar.v1.MeteredEntitlementOptions;
import stigg.sidecar.v1.ReportUsageRequest;
import stigg.sidecar.v1.SidecarServiceGrpc;

/** May customer-demo add three seats, and how much is left? */
public final class Main {
  public static void main(String[] args) throws InterruptedException {
    var address = args.length > 0 ? args[0] : "localhost:50051";
    var channel = ManagedChannelBuilder.forTarget(address).usePlaintext().build();
    try {
      var sidecar = SidecarServiceGrpc.newBlockingStub(channel);

      var seats = sidecar.withDeadlineAfter(10, TimeUnit.SECONDS).getMeteredEntitlement(
          GetMeteredEntitlementRequest.newBuilder().setCustomerId("customer-demo").setFeatureId("seats")
              .setOptions(MeteredEntitlementOptions.newBuilder().setRequestedUsage(3)).build());
      System.out.printf("seats: granted=%b used=%.0f limit=%.0f%n", seats.getHasAccess(),
          seats.getEntitlement().getCurrentUsage(), seats.getEntitlement().getUsageLimit());

      var sso = sidecar.withDeadlineAfter(10, TimeUnit.SECONDS).getBooleanEntitlement(
          GetBooleanEntitlementRequest.newBuilder().setCustomerId("customer-demo").setFeatureId("sso").build());
      System.out.printf("sso: granted=%b reason=%s%n", sso.getHasAccess(), sso.getAccessDeniedReason());

      // The same report under the same key counts once, however often it is sent.
      var key = new Metadata();
      key.put(Metadata.Key.of("idempotency-key", Metadata.ASCII_STRING_MARSHALLER), "java-1");
      var keyed = sidecar.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(key));
      var report = ReportUsageRequest.newBuilder().setCustomerId("customer-demo").setFeatureId("storage-gb").setValue(1).build();
      keyed.withDeadlineAfter(10, TimeUnit.SECONDS).reportUsage(report);
      var answer = keyed.withDeadlineAfter(10, TimeUnit.SECONDS).reportUsage(report);
      System.out.printf("storage: used=%s%n", answer.getCurrentUsage());
    } finally {
      channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }
}
