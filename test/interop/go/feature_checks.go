package main

import (
	"fmt"
	"sort"
	"strings"

	sidecarv1 "github.com/stiggio/sidecar-sdk-go/v7/generated/stigg/sidecar/v1"
	"google.golang.org/protobuf/proto"
)

func (s *suite) checkLists() {
	s.check("GetEntitlements lists every kind of feature", func(r *result) {
		answer := must(s.sidecar.GetEntitlements(s.ctx, &sidecarv1.GetEntitlementsRequest{CustomerId: customer}))
		var kinds []string
		for _, entitlement := range answer.Entitlements {
			kinds = append(kinds, kindAndID(entitlement))
		}
		sort.Strings(kinds)
		r.equal("kinds", strings.Join(kinds, " "), "boolean:sso enum:regions metered:api-calls metered:completions "+
			"metered:exported-mb metered:seats numeric:retention-days")
		r.equal("access_denied_reason", answer.AccessDeniedReason == nil, true)
	})
	s.check("GetEntitlements explains an empty list", func(r *result) {
		answer := must(s.sidecar.GetEntitlements(s.ctx, &sidecarv1.GetEntitlementsRequest{CustomerId: "nobody"}))
		r.equal("entitlements", len(answer.Entitlements), 0)
		r.equal("access_denied_reason", answer.GetAccessDeniedReason(), sidecarv1.AccessDeniedReason_ACCESS_DENIED_REASON_CUSTOMER_NOT_FOUND)
	})
	s.check("GetEntitlementsStateV2 lists features and credits", func(r *result) {
		answer := must(s.sidecar.GetEntitlementsStateV2(s.ctx, &sidecarv1.GetEntitlementsStateV2Request{CustomerId: customer}))
		credits := 0
		for _, entitlement := range answer.Entitlements {
			r.equal("has_access", entitlement.HasAccess, true)
			if credit := entitlement.GetCredit(); credit != nil {
				credits++
				r.equal("currency", credit.Currency.CurrencyId, "tokens")
			}
		}
		r.equal("entitlements", len(answer.Entitlements), 8)
		r.equal("credits", credits, 1)
	})
}

func (s *suite) checkSingleFeatures() {
	s.check("GetEntitlement answers in the feature's own kind", func(r *result) {
		answer := must(s.sidecar.GetEntitlement(s.ctx, &sidecarv1.GetEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "seats",
			Options:    &sidecarv1.GetEntitlementOptions{RequestedUsage: proto.Float64(7)},
		}))
		r.equal("has_access", answer.HasAccess, true)
		r.equal("is_fallback", answer.IsFallback, false)
		r.equal("usage_limit", answer.GetMetered().GetUsageLimit(), 10.0)
		r.equal("current_usage", answer.GetMetered().GetCurrentUsage(), 3.0)
	})
	s.check("GetEntitlement answers the request's fallback for an unknown feature", func(r *result) {
		answer := must(s.sidecar.GetEntitlement(s.ctx, &sidecarv1.GetEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "teleport",
			Options: &sidecarv1.GetEntitlementOptions{
				Fallback: &sidecarv1.GetEntitlementFallback{HasAccess: true, Value: proto.Int32(7)},
			},
		}))
		r.equal("has_access", answer.HasAccess, true)
		r.equal("is_fallback", answer.IsFallback, true)
		r.equal("value", answer.GetNumeric().GetValue(), int32(7))
	})
	s.check("GetBooleanEntitlement grants", func(r *result) {
		answer := must(s.sidecar.GetBooleanEntitlement(s.ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: customer, FeatureId: "sso"}))
		r.equal("has_access", answer.HasAccess, true)
		r.equal("access_denied_reason", answer.AccessDeniedReason == nil, true)
		r.equal("feature.id", answer.GetEntitlement().GetFeature().GetId(), "sso")
		r.equal("feature.feature_type", answer.GetEntitlement().GetFeature().GetFeatureType(), sidecarv1.FeatureType_FEATURE_TYPE_BOOLEAN)
	})
	s.check("GetBooleanEntitlement tells another kind from its own", func(r *result) {
		answer := must(s.sidecar.GetBooleanEntitlement(s.ctx, &sidecarv1.GetBooleanEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "seats",
			Options:    &sidecarv1.BooleanEntitlementOptions{Fallback: &sidecarv1.BooleanEntitlementFallback{HasAccess: true}},
		}))
		r.equal("has_access", answer.HasAccess, true)
		r.equal("is_fallback", answer.IsFallback, true)
		r.equal("access_denied_reason", answer.GetAccessDeniedReason(), sidecarv1.AccessDeniedReason_ACCESS_DENIED_REASON_FEATURE_TYPE_MISMATCH)
	})
	s.check("GetBooleanEntitlement knows a resource's own plan", func(r *result) {
		granted := must(s.sidecar.GetBooleanEntitlement(s.ctx, &sidecarv1.GetBooleanEntitlementRequest{
			CustomerId: customer, ResourceId: proto.String("site-1"), FeatureId: "white-label",
		}))
		r.equal("of the resource", granted.HasAccess, true)
		denied := must(s.sidecar.GetBooleanEntitlement(s.ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: customer, FeatureId: "white-label"}))
		r.equal("of the customer", denied.HasAccess, false)
		r.equal("access_denied_reason", denied.GetAccessDeniedReason(), sidecarv1.AccessDeniedReason_ACCESS_DENIED_REASON_NO_FEATURE_ENTITLEMENT_IN_SUBSCRIPTION)
	})
	s.check("GetBooleanEntitlement takes ids beyond ASCII", func(r *result) {
		answer := must(s.sidecar.GetBooleanEntitlement(s.ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: "zoë & söhne/日本", FeatureId: "sso"}))
		r.equal("has_access", answer.HasAccess, true)
	})
	s.check("GetNumericEntitlement answers the configured number", func(r *result) {
		answer := must(s.sidecar.GetNumericEntitlement(s.ctx, &sidecarv1.GetNumericEntitlementRequest{CustomerId: customer, FeatureId: "retention-days"}))
		r.equal("has_access", answer.HasAccess, true)
		r.equal("value", answer.GetEntitlement().GetValue(), int32(30))
		r.equal("is_unlimited", answer.GetEntitlement().GetIsUnlimited(), false)
	})
	s.check("GetMeteredEntitlement denies what exceeds the limit", func(r *result) {
		answer := must(s.sidecar.GetMeteredEntitlement(s.ctx, &sidecarv1.GetMeteredEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "seats",
			Options:    &sidecarv1.MeteredEntitlementOptions{RequestedUsage: proto.Float64(7.5)},
		}))
		r.equal("has_access", answer.HasAccess, false)
		r.equal("access_denied_reason", answer.GetAccessDeniedReason(), sidecarv1.AccessDeniedReason_ACCESS_DENIED_REASON_REQUESTED_USAGE_EXCEEDING_LIMIT)
		r.equal("requested_usage", answer.RequestedUsage, 7.5)
		r.equal("current_usage", answer.GetEntitlement().GetCurrentUsage(), 3.0)
		r.equal("feature.units", answer.GetEntitlement().GetFeature().GetUnits(), "seat")
		r.equal("feature.meter_type", answer.GetEntitlement().GetFeature().GetMeterType(), sidecarv1.MeterType_METER_TYPE_FLUCTUATING)
	})
	s.check("GetEnumEntitlement grants values that are among its own", func(r *result) {
		answer := must(s.sidecar.GetEnumEntitlement(s.ctx, &sidecarv1.GetEnumEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "regions",
			Options:    &sidecarv1.EnumEntitlementOptions{RequestedValues: []string{"eu"}},
		}))
		r.equal("has_access", answer.HasAccess, true)
		r.equal("requested_values", strings.Join(answer.RequestedValues, " "), "eu")
		r.equal("enum_values", strings.Join(answer.GetEntitlement().GetEnumValues(), " "), "eu us")
	})
	s.check("GetEnumEntitlement denies a value too many", func(r *result) {
		answer := must(s.sidecar.GetEnumEntitlement(s.ctx, &sidecarv1.GetEnumEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "regions",
			Options:    &sidecarv1.EnumEntitlementOptions{RequestedValues: []string{"eu", "mars"}},
		}))
		r.equal("has_access", answer.HasAccess, false)
		r.equal("access_denied_reason", answer.GetAccessDeniedReason(), sidecarv1.AccessDeniedReason_ACCESS_DENIED_REASON_REQUESTED_VALUES_MISMATCH)
	})
}

func (s *suite) checkSecondGeneration() {
	s.check("GetEntitlementV2 answers for a feature", func(r *result) {
		answer := must(s.sidecar.GetEntitlementV2(s.ctx, &sidecarv1.GetEntitlementV2Request{CustomerId: customer, FeatureId: proto.String("retention-days")}))
		r.equal("has_access", answer.GetEntitlement().GetHasAccess(), true)
		r.equal("value", answer.GetEntitlement().GetNumeric().GetValue(), int32(30))
	})
	s.check("GetEntitlementV2 answers for credits", func(r *result) {
		credit := s.tokens().GetCredit()
		r.equal("usage_limit", credit.GetUsageLimit(), 500.0)
		r.equal("current_usage", credit.GetCurrentUsage(), 0.0)
		r.equal("remaining", credit.GetRemaining(), 500.0)
		r.equal("currency.display_name", credit.GetCurrency().GetDisplayName(), "Tokens")
		r.equal("currency.unit_plural", credit.GetCurrency().GetUnitPlural(), "tokens")
		r.equal("currency.additional_meta_data", credit.GetCurrency().GetAdditionalMetaData().GetFields()["tier"].GetStringValue(), "gold")
	})
}

func kindAndID(entitlement *sidecarv1.Entitlement) string {
	switch of := entitlement.Entitlement.(type) {
	case *sidecarv1.Entitlement_Boolean:
		return "boolean:" + of.Boolean.GetFeature().GetId()
	case *sidecarv1.Entitlement_Numeric:
		return "numeric:" + of.Numeric.GetFeature().GetId()
	case *sidecarv1.Entitlement_Metered:
		return "metered:" + of.Metered.GetFeature().GetId()
	case *sidecarv1.Entitlement_Enum:
		return "enum:" + of.Enum.GetFeature().GetId()
	default:
		return fmt.Sprintf("unknown:%T", of)
	}
}
