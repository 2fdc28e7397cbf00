from datetime import datetime, timezone

from google.protobuf import empty_pb2
from google.protobuf.timestamp_pb2 import Timestamp
from stigg.sidecar.v1 import sidecar_pb2 as pb

from calls import CUSTOMER, PATIENCE_SECONDS, metered, report, tokens


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


def export(key, megabytes):
    return pb.Event(
        event_name="export.finished",
        customer_id=CUSTOMER,
        idempotency_key=key,
        dimensions={"megabytes": pb.EventDimensionValue(number_value=megabytes)},
    )
