import math
from concurrent import futures

import grpc
from google.protobuf import empty_pb2
from stigg.sidecar.v1 import sidecar_pb2 as pb

from calls import CUSTOMER, PATIENCE_SECONDS, boolean, metered


def check_refusals(suite, sidecar, channel):
    @suite.check("an empty customer_id is refused by name")
    def _(r):
        failure = r.fails("the call", lambda: boolean(sidecar, "", "sso"))
        r.equal("code", failure.code(), grpc.StatusCode.INVALID_ARGUMENT)
        r.equal("message names customer_id", "customer_id" in failure.details(), True)

    @suite.check("GetEntitlementV2 for a feature and credits at once is refused")
    def _(r):
        request = pb.GetEntitlementV2Request(customer_id=CUSTOMER, feature_id="sso", currency_id="tokens")
        failure = r.fails("the call", lambda: sidecar.GetEntitlementV2(request, timeout=PATIENCE_SECONDS))
        r.equal("code", failure.code(), grpc.StatusCode.INVALID_ARGUMENT)

    @suite.check("a number that is none is refused by name")
    def _(r):
        failure = r.fails("the call", lambda: metered(sidecar, "seats", requested_usage=math.nan))
        r.equal("code", failure.code(), grpc.StatusCode.INVALID_ARGUMENT)
        r.equal("message names requested_usage", "requested_usage" in failure.details(), True)

    @suite.check("an unknown method is unimplemented")
    def _(r):
        teleport = channel.unary_unary(
            "/stigg.sidecar.v1.SidecarService/Teleport",
            request_serializer=empty_pb2.Empty.SerializeToString,
            response_deserializer=empty_pb2.Empty.FromString,
        )
        failure = r.fails("the call", lambda: teleport(empty_pb2.Empty(), timeout=PATIENCE_SECONDS))
        r.equal("code", failure.code(), grpc.StatusCode.UNIMPLEMENTED)


def check_transport(suite, sidecar):
    @suite.check("a gzip request is answered")
    def _(r):
        request = pb.GetEntitlementsRequest(customer_id=CUSTOMER)
        answer = sidecar.GetEntitlements(request, timeout=PATIENCE_SECONDS, compression=grpc.Compression.Gzip)
        r.equal("entitlements", len(answer.entitlements), 7)

    @suite.check("a deadline that leaves time is met")
    def _(r):
        request = pb.GetBooleanEntitlementRequest(customer_id=CUSTOMER, feature_id="sso")
        r.equal("has_access", sidecar.GetBooleanEntitlement(request, timeout=20).has_access, True)

    @suite.check("a deadline that has passed is reported")
    def _(r):
        request = pb.GetBooleanEntitlementRequest(customer_id=CUSTOMER, feature_id="sso")
        failure = r.fails("the call", lambda: sidecar.GetBooleanEntitlement(request, timeout=-1))
        r.equal("code", failure.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    @suite.check("many calls share a connection")
    def _(r):
        request = pb.GetBooleanEntitlementRequest(customer_id=CUSTOMER, feature_id="sso")
        calls = [sidecar.GetBooleanEntitlement.future(request, timeout=PATIENCE_SECONDS) for _ in range(200)]
        futures.wait([_settled(call) for call in calls])
        r.equal("granted", sum(call.result().has_access for call in calls), 200)


def _settled(call) -> futures.Future:
    settled = futures.Future()
    call.add_done_callback(lambda _: settled.set_result(None))
    return settled
