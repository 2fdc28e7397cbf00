"""Calls every method of a running sidecar with grpcio and stubs generated from this project's proto.

    client.py HOST:PORT        (the generated stubs have to be on PYTHONPATH)

Prints one JSON line for each check, and exits 1 when one of them found something else than it expects.
What it expects is the catalog of ../catalog.ts.
"""

import math
import sys
from concurrent import futures
from datetime import datetime, timezone

import grpc
from google.protobuf import empty_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from stigg.sidecar.v1 import sidecar_pb2 as pb
from stigg.sidecar.v1.sidecar_pb2_grpc import SidecarServiceStub

from reporting import Suite

CUSTOMER = "acme"
PATIENCE_SECONDS = 30


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: client.py HOST:PORT", file=sys.stderr)
        return 2
    with grpc.insecure_channel(sys.argv[1]) as channel:
        sidecar = SidecarServiceStub(channel)
        suite = Suite()
        check_lists(suite, sidecar)
        check_single_features(suite, sidecar)
        check_second_generation(suite, sidecar)
        check_reports(suite, sidecar)
        check_refusals(suite, sidecar, channel)
        check_transport(suite, sidecar)
        return 1 if suite.failures else 0


def check_lists(suite, sidecar):
    @suite.check("GetEntitlements lists every kind of feature")
    def _(r):
        answer = sidecar.GetEntitlements(pb.GetEntitlementsRequest(customer_id=CUSTOMER), timeout=PATIENCE_SECONDS)
        r.equal(
            "kinds",
            sorted(kind_and_id(entitlement) for entitlement in answer.entitlements),
            [
                "boolean:sso",
                "enum:regions",
                "metered:api-calls",
                "metered:completions",
                "metered:exported-mb",
                "metered:seats",
                "numeric:retention-days",
            ],
        )
        r.equal("access_denied_reason is there", answer.HasField("access_denied_reason"), False)

    @suite.check("GetEntitlements explains an empty list")
    def _(r):
        answer = sidecar.GetEntitlements(pb.GetEntitlementsRequest(customer_id="nobody"), timeout=PATIENCE_SECONDS)
        r.equal("entitlements", len(answer.entitlements), 0)
        r.equal("access_denied_reason", answer.access_denied_reason, pb.ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND)

    @suite.check("GetEntitlementsStateV2 lists features and credits")
    def _(r):
        request = pb.GetEntitlementsStateV2Request(customer_id=CUSTOMER)
        answer = sidecar.GetEntitlementsStateV2(request, timeout=PATIENCE_SECONDS)
        r.equal("has_access", [entitlement.has_access for entitlement in answer.entitlements], [True] * 8)
        credits = [e.credit.currency.currency_id for e in answer.entitlements if e.WhichOneof("entitlement") == "credit"]
        r.equal("credits", credits, ["tokens"])


def check_single_features(suite, sidecar):
    @suite.check("GetEntitlement answers in the feature's own kind")
    def _(r):
        request = pb.GetEntitlementRequest(
            customer_id=CUSTOMER, feature_id="seats", options=pb.GetEntitlementOptions(requested_usage=7)
        )
        answer = sidecar.GetEntitlement(request, timeout=PATIENCE_SECONDS)
        r.equal("has_access", answer.has_access, True)
        r.equal("is_fallback", answer.is_fallback, False)
        r.equal("kind", answer.WhichOneof("entitlement"), "metered")
        r.equal("usage_limit", answer.metered.usage_limit, 10)
        r.equal("current_usage", answer.metered.current_usage, 3)

    @suite.check("GetEntitlement answers the request's fallback for an unknown feature")
    def _(r):
        fallback = pb.GetEntitlementFallback(has_access=True, value=7)
        request = pb.GetEntitlementRequest(
            customer_id=CUSTOMER, feature_id="teleport", options=pb.GetEntitlementOptions(fallback=fallback)
        )
        answer = sidecar.GetEntitlement(request, timeout=PATIENCE_SECONDS)
        r.equal("has_access", answer.has_access, True)
        r.equal("is_fallback", answer.is_fallback, True)
        r.equal("kind", answer.WhichOneof("entitlement"), "numeric")
        r.equal("value", answer.numeric.value, 7)

    @suite.check("GetBooleanEntitlement grants")
    def _(r):
        answer = boolean(sidecar, CUSTOMER, "sso")
        r.equal("has_access", answer.has_access, True)
        r.equal("access_denied_reason is there", answer.HasField("access_denied_reason"), False)
        r.equal("feature.id", answer.entitlement.feature.id, "sso")
        r.equal("feature.feature_type", answer.entitlement.feature.feature_type, pb.FEATURE_TYPE_BOOLEAN)

    @suite.check("GetBooleanEntitlement tells another kind from its own")
    def _(r):
        options = pb.BooleanEntitlementOptions(fallback=pb.BooleanEntitlementFallback(has_access=True))
        answer = boolean(sidecar, CUSTOMER, "seats", options=options)
        r.equal("has_access", answer.has_access, True)
        r.equal("is_fallback", answer.is_fallback, True)
        r.equal("access_denied_reason", answer.access_denied_reason, pb.ACCESS_DENIED_REASON_FEATURE_TYPE_MISMATCH)

    @suite.check("GetBooleanEntitlement knows a resource's own plan")
    def _(r):
        r.equal("of the resource", boolean(sidecar, CUSTOMER, "white-label", resource_id="site-1").has_access, True)
        denied = boolean(sidecar, CUSTOMER, "white-label")
        r.equal("of the customer", denied.has_access, False)
        r.equal(
            "access_denied_reason",
            denied.access_denied_reason,
            pb.ACCESS_DENIED_REASON_NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION,
        )

    @suite.check("GetBooleanEntitlement takes ids beyond ASCII")
    def _(r):
        r.equal("has_access", boolean(sidecar, "zoë & söhne/日本", "sso").has_access, True)

    @suite.check("GetNumericEntitlement answers the configured number")
    def _(r):
        request = pb.GetNumericEntitlementRequest(customer_id=CUSTOMER, feature_id="retention-days")
        answer = sidecar.GetNumericEntitlement(request, timeout=PATIENCE_SECONDS)
        r.equal("has_access", answer.has_access, True)
        r.equal("value", answer.entitlement.value, 30)
        r.equal("is_unlimited", answer.entitlement.is_unlimited, False)

    @suite.check("GetMeteredEntitlement denies what exceeds the limit")
    def _(r):
        answer = metered(sidecar, "seats", requested_usage=7.5)
        r.equal("has_access", answer.has_access, False)
        r.equal(
            "access_denied_reason",
            answer.access_denied_reason,
            pb.ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT,
        )
        r.equal("requested_usage", answer.requested_usage, 7.5)
        r.equal("current_usage", answer.entitlement.current_usage, 3)
        r.equal("feature.units", answer.entitlement.feature.units, "seat")
        r.equal("feature.meter_type", answer.entitlement.feature.meter_type, pb.METER_TYPE_FLUCTUATING)

    @suite.check("GetEnumEntitlement grants values that are among its own")
    def _(r):
        answer = enumerated(sidecar, "regions", ["eu"])
        r.equal("has_access", answer.has_access, True)
        r.equal("requested_values", list(answer.requested_values), ["eu"])
        r.equal("enum_values", list(answer.entitlement.enum_values), ["eu", "us"])

    @suite.check("GetEnumEntitlement denies a value too many")
    def _(r):
        answer = enumerated(sidecar, "regions", ["eu", "mars"])
        r.equal("has_access", answer.has_access, False)
        r.equal(
            "access_denied_reason", answer.access_denied_reason, pb.ACCESS_DENIED_REASON_REQUESTED_VALUES_MISMATCH
        )


def check_second_generation(suite, sidecar):
    @suite.check("GetEntitlementV2 answers for a feature")
    def _(r):
        request = pb.GetEntitlementV2Request(customer_id=CUSTOMER, feature_id="retention-days")
        entitlement = sidecar.GetEntitlementV2(request, timeout=PATIENCE_SECONDS).entitlement
        r.equal("has_access", entitlement.has_access, True)
        r.equal("kind", entitlement.WhichOneof("entitlement"), "numeric")
        r.equal("value", entitlement.numeric.value, 30)

    @suite.check("GetEntitlementV2 answers for credits")
    def _(r):
        credit = tokens(sidecar)
        r.equal("usage_limit", credit.usage_limit, 500)
        r.equal("current_usage", credit.current_usage, 0)
        r.equal("remaining", credit.remaining, 500)
        r.equal("currency.display_name", credit.currency.display_name, "Tokens")
        r.equal("currency.unit_plural", credit.currency.unit_plural, "tokens")
        r.equal("currency.additional_meta_data", dict(credit.currency.additional_meta_data), {"tier": "gold"})


def check_reports(suite, sidecar):
    @suite.check("ReportUsage adds, and the next check knows")
    def _(r):
        now = datetime.now(timezone.utc)
        timestamp = Timestamp()
        timestamp.FromDatetime(now)
        request = pb.ReportUsageRequest(
            customer_id=CUSTOMER,
            feature_id="api-calls",
            value=5.5,
            update_behavior=pb.USAGE_UPDATE_BEHAVIOR_DELTA,
            timestamp=timestamp,
            dimensions={
                "route": pb.EventDimensionValue(string_value="/v1/things"),
                "weight": pb.EventDimensionValue(number_value=1.5),
                "cached": pb.EventDimensionValue(boolean_value=True),
            },
        )
        answer = sidecar.ReportUsage(request, timeout=PATIENCE_SECONDS)
        r.equal("measurement_id is there", answer.measurement_id != "", True)
        r.equal("customer_id", answer.customer_id, CUSTOMER)
        r.equal("feature_id", answer.feature_id, "api-calls")
        r.equal("current_usage", answer.current_usage, 5.5)
        start = answer.usage_period_start.ToDatetime(timezone.utc)
        end = answer.usage_period_end.ToDatetime(timezone.utc)
        r.equal("the period is of now", start <= now < end, True)
        check = metered(sidecar, "api-calls").entitlement
        r.equal("current_usage of the check", check.current_usage, 5.5)
        r.equal("reset_period", check.reset_period, pb.ENTITLEMENT_RESET_PERIOD_MONTH)
        r.equal("next_reset_date", check.next_reset_date, answer.usage_period_end)

    @suite.check("ReportUsage takes usage back")
    def _(r):
        r.equal("current_usage", report(sidecar, feature_id="seats", value=-1).current_usage, 2)

    @suite.check("ReportUsage sets")
    def _(r):
        answer = report(sidecar, feature_id="seats", value=9, update_behavior=pb.USAGE_UPDATE_BEHAVIOR_SET)
        r.equal("current_usage", answer.current_usage, 9)
        r.equal("current_usage of the check", metered(sidecar, "seats").entitlement.current_usage, 9)

    @suite.check("ReportUsage draws credits")
    def _(r):
        report(sidecar, feature_id="completions", value=10)
        r.equal("remaining", tokens(sidecar).remaining, 480)
        denied = metered(sidecar, "completions", requested_usage=241)
        r.equal("has_access beyond", denied.has_access, False)
        r.equal("access_denied_reason", denied.access_denied_reason, pb.ACCESS_DENIED_REASON_INSUFFICIENT_CREDITS)

    @suite.check("ReportUsageBulk answers each report in order")
    def _(r):
        request = pb.ReportUsageBulkRequest(
            usages=[
                pb.ReportUsageRequest(customer_id=CUSTOMER, feature_id="api-calls", value=1),
                pb.ReportUsageRequest(customer_id=CUSTOMER, feature_id="seats", value=1),
            ]
        )
        answer = sidecar.ReportUsageBulk(request, timeout=PATIENCE_SECONDS)
        counted = [(usage.feature_id, usage.current_usage) for usage in answer.usages]
        r.equal("usages", counted, [("api-calls", 6.5), ("seats", 10)])

    @suite.check("ReportEvents feeds a meter, once for each key")
    def _(r):
        events = pb.ReportEventsRequest(events=[export("python-1", 4), export("python-2", 2.5)])
        for _ in range(2):
            answer = sidecar.ReportEvents(events, timeout=PATIENCE_SECONDS)
            r.equal("answer", answer, empty_pb2.Empty())
        deadline = datetime.now().timestamp() + PATIENCE_SECONDS
        usage = 0
        while usage < 6.5 and datetime.now().timestamp() < deadline:
            usage = metered(sidecar, "exported-mb").entitlement.current_usage
        r.equal("current_usage", usage, 6.5)

    @suite.check("ReloadEntitlements tells whether there is someone")
    def _(r):
        for customer, exists in ((CUSTOMER, True), ("nobody", False)):
            request = pb.ReloadEntitlementsRequest(customer_id=customer)
            r.equal(customer, sidecar.ReloadEntitlements(request, timeout=PATIENCE_SECONDS).entitled_entity_exists, exists)


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

    @suite.check("a deadline that has passed is told")
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


def export(key, megabytes):
    return pb.Event(
        event_name="export.finished",
        customer_id=CUSTOMER,
        idempotency_key=key,
        dimensions={"megabytes": pb.EventDimensionValue(number_value=megabytes)},
    )


def kind_and_id(entitlement):
    kind = entitlement.WhichOneof("entitlement")
    return f"{kind}:{getattr(entitlement, kind).feature.id}"


if __name__ == "__main__":
    sys.exit(main())
