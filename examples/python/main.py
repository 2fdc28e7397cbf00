"""May customer-demo add three seats, and how much is left?"""

import sys

import grpc

from stigg.sidecar.v1 import sidecar_pb2 as messages
from stigg.sidecar.v1 import sidecar_pb2_grpc as service

address = sys.argv[1] if len(sys.argv) > 1 else "localhost:50051"

with grpc.insecure_channel(address) as channel:
    sidecar = service.SidecarServiceStub(channel)

    seats = sidecar.GetMeteredEntitlement(
        messages.GetMeteredEntitlementRequest(
            customer_id="customer-demo",
            feature_id="seats",
            options=messages.MeteredEntitlementOptions(requested_usage=3),
        ),
        timeout=10,
    )
    print(f"seats: granted={seats.has_access} used={seats.entitlement.current_usage:g} limit={seats.entitlement.usage_limit:g}")

    sso = sidecar.GetBooleanEntitlement(messages.GetBooleanEntitlementRequest(customer_id="customer-demo", feature_id="sso"), timeout=10)
    print(f"sso: granted={sso.has_access} reason={messages.AccessDeniedReason.Name(sso.access_denied_reason)}")

    # The same report under the same key counts once, however often it is sent.
    report = messages.ReportUsageRequest(customer_id="customer-demo", feature_id="storage-gb", value=1)
    sidecar.ReportUsage(report, timeout=10, metadata=[("idempotency-key", "python-1")])
    answer = sidecar.ReportUsage(report, timeout=10, metadata=[("idempotency-key", "python-1")])
    print(f"storage: used={answer.current_usage:g}")
