package main

import (
	"fmt"
	"time"

	sidecarv1 "github.com/stiggio/sidecar-sdk-go/v7/generated/stigg/sidecar/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func (s *suite) checkReports() {
	s.check("ReportUsage adds, and the next check knows", func(r *result) {
		answer := must(s.sidecar.ReportUsage(s.ctx, &sidecarv1.ReportUsageRequest{
			CustomerId:     customer,
			FeatureId:      "api-calls",
			Value:          5.5,
			UpdateBehavior: sidecarv1.UsageUpdateBehavior_USAGE_UPDATE_BEHAVIOR_DELTA.Enum(),
			Timestamp:      timestamppb.Now(),
			Dimensions: map[string]*sidecarv1.EventDimensionValue{
				"route":  {Value: &sidecarv1.EventDimensionValue_StringValue{StringValue: "/v1/things"}},
				"weight": {Value: &sidecarv1.EventDimensionValue_NumberValue{NumberValue: 1.5}},
				"cached": {Value: &sidecarv1.EventDimensionValue_BooleanValue{BooleanValue: true}},
			},
		}))
		r.equal("measurement_id is there", answer.MeasurementId != "", true)
		r.equal("customer_id", answer.CustomerId, customer)
		r.equal("feature_id", answer.FeatureId, "api-calls")
		r.equal("current_usage", answer.GetCurrentUsage(), 5.5)
		now := time.Now()
		r.equal("the period is of now", answer.GetUsagePeriodStart().AsTime().Before(now) && answer.GetUsagePeriodEnd().AsTime().After(now), true)
		check := s.metered("api-calls")
		r.equal("current_usage of the check", check.GetCurrentUsage(), 5.5)
		r.equal("reset_period", check.GetResetPeriod(), sidecarv1.EntitlementResetPeriod_ENTITLEMENT_RESET_PERIOD_MONTH)
		r.equal("next_reset_date", check.GetNextResetDate().AsTime().Equal(answer.GetUsagePeriodEnd().AsTime()), true)
	})
	s.check("ReportUsage takes usage back", func(r *result) {
		answer := must(s.sidecar.ReportUsage(s.ctx, &sidecarv1.ReportUsageRequest{CustomerId: customer, FeatureId: "seats", Value: -1}))
		r.equal("current_usage", answer.GetCurrentUsage(), 2.0)
	})
	s.check("ReportUsage sets", func(r *result) {
		answer := must(s.sidecar.ReportUsage(s.ctx, &sidecarv1.ReportUsageRequest{
			CustomerId:     customer,
			FeatureId:      "seats",
			Value:          9,
			UpdateBehavior: sidecarv1.UsageUpdateBehavior_USAGE_UPDATE_BEHAVIOR_SET.Enum(),
		}))
		r.equal("current_usage", answer.GetCurrentUsage(), 9.0)
		r.equal("current_usage of the check", s.metered("seats").GetCurrentUsage(), 9.0)
	})
	s.check("ReportUsage draws credits", func(r *result) {
		must(s.sidecar.ReportUsage(s.ctx, &sidecarv1.ReportUsageRequest{CustomerId: customer, FeatureId: "completions", Value: 10}))
		r.equal("remaining", s.tokens().GetCredit().GetRemaining(), 480.0)
		denied := must(s.sidecar.GetMeteredEntitlement(s.ctx, &sidecarv1.GetMeteredEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "completions",
			Options:    &sidecarv1.MeteredEntitlementOptions{RequestedUsage: proto.Float64(241)},
		}))
		r.equal("has_access beyond", denied.HasAccess, false)
		r.equal("access_denied_reason", denied.GetAccessDeniedReason(), sidecarv1.AccessDeniedReason_ACCESS_DENIED_REASON_INSUFFICIENT_CREDITS)
	})
	s.check("ReportUsageBulk answers each report in order", func(r *result) {
		answer := must(s.sidecar.ReportUsageBulk(s.ctx, &sidecarv1.ReportUsageBulkRequest{Usages: []*sidecarv1.ReportUsageRequest{
			{CustomerId: customer, FeatureId: "api-calls", Value: 1},
			{CustomerId: customer, FeatureId: "seats", Value: 1},
		}}))
		r.equal("usages", len(answer.Usages), 2)
		r.equal("first", fmt.Sprint(answer.Usages[0].FeatureId, " ", answer.Usages[0].GetCurrentUsage()), "api-calls 6.5")
		r.equal("second", fmt.Sprint(answer.Usages[1].FeatureId, " ", answer.Usages[1].GetCurrentUsage()), "seats 10")
	})
	s.check("ReportEvents feeds a meter, once for each key", func(r *result) {
		events := &sidecarv1.ReportEventsRequest{Events: []*sidecarv1.Event{export("go-1", 4), export("go-2", 2.5)}}
		must(s.sidecar.ReportEvents(s.ctx, events))
		must(s.sidecar.ReportEvents(s.ctx, events))
		usage := 0.0
		for usage = s.metered("exported-mb").GetCurrentUsage(); usage < 6.5; usage = s.metered("exported-mb").GetCurrentUsage() {
			if s.ctx.Err() != nil {
				break
			}
		}
		r.equal("current_usage", usage, 6.5)
	})
	s.check("ReloadEntitlements tells whether there is someone", func(r *result) {
		known := must(s.sidecar.ReloadEntitlements(s.ctx, &sidecarv1.ReloadEntitlementsRequest{CustomerId: customer}))
		r.equal("a customer", known.EntitledEntityExists, true)
		unknown := must(s.sidecar.ReloadEntitlements(s.ctx, &sidecarv1.ReloadEntitlementsRequest{CustomerId: "nobody"}))
		r.equal("nobody", unknown.EntitledEntityExists, false)
	})
}

func export(key string, megabytes float64) *sidecarv1.Event {
	return &sidecarv1.Event{
		EventName:      "export.finished",
		CustomerId:     customer,
		IdempotencyKey: key,
		Dimensions: map[string]*sidecarv1.EventDimensionValue{
			"megabytes": {Value: &sidecarv1.EventDimensionValue_NumberValue{NumberValue: megabytes}},
		},
	}
}
