from stigg.sidecar.v1 import sidecar_pb2 as pb

from calls import CUSTOMER, PATIENCE_SECONDS, boolean, enumerated, metered, tokens


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


def kind_and_id(entitlement):
    kind = entitlement.WhichOneof("entitlement")
    return f"{kind}:{getattr(entitlement, kind).feature.id}"
