"""The calls that several checks make."""

from stigg.sidecar.v1 import sidecar_pb2 as pb

CUSTOMER = "acme"
PATIENCE_SECONDS = 30


def boolean(sidecar, customer, feature, resource_id=None, options=None):
    request = pb.GetBooleanEntitlementRequest(
        customer_id=customer, feature_id=feature, resource_id=resource_id, options=options
    )
    return sidecar.GetBooleanEntitlement(request, timeout=PATIENCE_SECONDS)


def metered(sidecar, feature, requested_usage=None):
    options = pb.MeteredEntitlementOptions(requested_usage=requested_usage)
    request = pb.GetMeteredEntitlementRequest(customer_id=CUSTOMER, feature_id=feature, options=options)
    return sidecar.GetMeteredEntitlement(request, timeout=PATIENCE_SECONDS)


def enumerated(sidecar, feature, requested_values):
    options = pb.EnumEntitlementOptions(requested_values=requested_values)
    request = pb.GetEnumEntitlementRequest(customer_id=CUSTOMER, feature_id=feature, options=options)
    return sidecar.GetEnumEntitlement(request, timeout=PATIENCE_SECONDS)


def tokens(sidecar):
    request = pb.GetEntitlementV2Request(customer_id=CUSTOMER, currency_id="tokens")
    return sidecar.GetEntitlementV2(request, timeout=PATIENCE_SECONDS).entitlement.credit


def report(sidecar, **fields):
    return sidecar.ReportUsage(pb.ReportUsageRequest(customer_id=CUSTOMER, **fields), timeout=PATIENCE_SECONDS)
