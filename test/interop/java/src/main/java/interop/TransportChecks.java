package interop;

import com.google.protobuf.Empty;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.ProtoUtils;
import io.grpc.stub.ClientCalls;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import stigg.sidecar.v1.GetBooleanEntitlementResponse;
import stigg.sidecar.v1.GetEntitlementV2Request;
import stigg.sidecar.v1.SidecarServiceGrpc;
import stigg.sidecar.v1.SidecarServiceGrpc.SidecarServiceFutureStub;

/** What is refused, and what the connection itself does. */
final class TransportChecks {
  private final Suite suite;
  private final Calls calls;

  TransportChecks(Suite suite, Calls calls) {
    this.suite = suite;
    this.calls = calls;
  }

  void checkRefusals() {
    suite.check("an empty customer_id is refused by name", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> calls.sidecar().getBooleanEntitlement(Calls.ofFeature("", "sso").build()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
      r.equal("message names customer_id", String.valueOf(failure.getStatus().getDescription()).contains("customer_id"), true);
    });
    suite.check("GetEntitlementV2 for a feature and credits at once is refused", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> calls.sidecar().getEntitlementV2(GetEntitlementV2Request.newBuilder()
          .setCustomerId(Calls.CUSTOMER).setFeatureId("sso").setCurrencyId("tokens").build()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.INVALID_ARGUMENT);
    });
    suite.check("a number that is none is refused by name", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> calls.requesting("seats", Double.NaN));
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
      CallOptions patient = CallOptions.DEFAULT.withDeadlineAfter(Calls.PATIENCE_SECONDS, TimeUnit.SECONDS);
      StatusRuntimeException failure = r.fails("the call",
          () -> ClientCalls.blockingUnaryCall(calls.channel, teleport, patient, Empty.getDefaultInstance()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.UNIMPLEMENTED);
    });
  }

  void checkTransport() {
    suite.check("a gzip request is answered", r ->
        r.equal("entitlements", calls.sidecar().withCompression("gzip").getEntitlements(Calls.listOf(Calls.CUSTOMER)).getEntitlementsCount(), 7));
    suite.check("a deadline that leaves time is met", r ->
        r.equal("has_access", calls.sidecar().withDeadlineAfter(20, TimeUnit.SECONDS)
            .getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "sso").build()).getHasAccess(), true));
    suite.check("a deadline that has passed is reported", r -> {
      StatusRuntimeException failure = r.fails("the call", () -> calls.sidecar().withDeadlineAfter(-1, TimeUnit.SECONDS)
          .getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "sso").build()));
      r.equal("code", failure.getStatus().getCode(), Status.Code.DEADLINE_EXCEEDED);
    });
    suite.check("many calls share a connection", r -> {
      SidecarServiceFutureStub stub = SidecarServiceGrpc.newFutureStub(calls.channel)
          .withDeadlineAfter(Calls.PATIENCE_SECONDS, TimeUnit.SECONDS);
      List<? extends Future<GetBooleanEntitlementResponse>> calls = IntStream.range(0, 200)
          .mapToObj(i -> stub.getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "sso").build())).toList();
      int granted = 0;
      for (Future<GetBooleanEntitlementResponse> call : calls) if (call.get().getHasAccess()) granted++;
      r.equal("granted", granted, 200);
    });
  }
}
