// Calls every method of a running sidecar with the published Go stubs and gRPC-Go.
//
//	client HOST:PORT
//
// Prints one JSON line for each check, and exits 1 when one of them found something else than it expects.
// What it expects is the catalog of ../catalog.ts.
package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	sidecarv1 "github.com/stiggio/sidecar-sdk-go/v7/generated/stigg/sidecar/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	customer = "acme"
	patience = 30 * time.Second
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: client HOST:PORT")
		os.Exit(2)
	}
	connection, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	s := suite{ctx: ctx, connection: connection, sidecar: sidecarv1.NewSidecarServiceClient(connection)}
	s.checkLists()
	s.checkSingleFeatures()
	s.checkSecondGeneration()
	s.checkReports()
	s.checkRefusals()
	s.checkTransport()
	if s.failures > 0 {
		os.Exit(1)
	}
}

type suite struct {
	ctx        context.Context
	connection *grpc.ClientConn
	sidecar    sidecarv1.SidecarServiceClient
	failures   int
}

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

func (s *suite) checkRefusals() {
	s.check("an empty customer_id is refused by name", func(r *result) {
		_, err := s.sidecar.GetBooleanEntitlement(s.ctx, &sidecarv1.GetBooleanEntitlementRequest{FeatureId: "sso"})
		r.equal("code", status.Code(err), codes.InvalidArgument)
		r.equal("message names customer_id", strings.Contains(status.Convert(err).Message(), "customer_id"), true)
	})
	s.check("GetEntitlementV2 for a feature and credits at once is refused", func(r *result) {
		_, err := s.sidecar.GetEntitlementV2(s.ctx, &sidecarv1.GetEntitlementV2Request{
			CustomerId: customer, FeatureId: proto.String("sso"), CurrencyId: proto.String("tokens"),
		})
		r.equal("code", status.Code(err), codes.InvalidArgument)
	})
	s.check("a number that is none is refused by name", func(r *result) {
		_, err := s.sidecar.GetMeteredEntitlement(s.ctx, &sidecarv1.GetMeteredEntitlementRequest{
			CustomerId: customer,
			FeatureId:  "seats",
			Options:    &sidecarv1.MeteredEntitlementOptions{RequestedUsage: proto.Float64(math.NaN())},
		})
		r.equal("code", status.Code(err), codes.InvalidArgument)
		r.equal("message names requested_usage", strings.Contains(status.Convert(err).Message(), "requested_usage"), true)
	})
	s.check("an unknown method is unimplemented", func(r *result) {
		err := s.connection.Invoke(s.ctx, "/stigg.sidecar.v1.SidecarService/Teleport", &emptypb.Empty{}, &emptypb.Empty{})
		r.equal("code", status.Code(err), codes.Unimplemented)
	})
}

func (s *suite) checkTransport() {
	s.check("a gzip request is answered", func(r *result) {
		answer := must(s.sidecar.GetEntitlements(s.ctx, &sidecarv1.GetEntitlementsRequest{CustomerId: customer}, grpc.UseCompressor(gzip.Name)))
		r.equal("entitlements", len(answer.Entitlements), 7)
	})
	s.check("a deadline that leaves time is met", func(r *result) {
		ctx, cancel := context.WithTimeout(s.ctx, 20*time.Second)
		defer cancel()
		answer := must(s.sidecar.GetBooleanEntitlement(ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: customer, FeatureId: "sso"}))
		r.equal("has_access", answer.HasAccess, true)
	})
	s.check("a deadline that has passed is told", func(r *result) {
		ctx, cancel := context.WithDeadline(s.ctx, time.Now())
		defer cancel()
		_, err := s.sidecar.GetBooleanEntitlement(ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: customer, FeatureId: "sso"})
		r.equal("code", status.Code(err), codes.DeadlineExceeded)
	})
	s.check("many calls share a connection", func(r *result) {
		var calls sync.WaitGroup
		granted := make(chan bool, 200)
		for range cap(granted) {
			calls.Add(1)
			go func() {
				defer calls.Done()
				answer, err := s.sidecar.GetBooleanEntitlement(s.ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: customer, FeatureId: "sso"})
				if err == nil && answer.HasAccess {
					granted <- true
				}
			}()
		}
		calls.Wait()
		r.equal("granted", len(granted), cap(granted))
	})
}

func (s *suite) metered(feature string) *sidecarv1.MeteredEntitlement {
	request := &sidecarv1.GetMeteredEntitlementRequest{CustomerId: customer, FeatureId: feature}
	return must(s.sidecar.GetMeteredEntitlement(s.ctx, request)).GetEntitlement()
}

func (s *suite) tokens() *sidecarv1.EntitlementV2 {
	request := &sidecarv1.GetEntitlementV2Request{CustomerId: customer, CurrencyId: proto.String("tokens")}
	return must(s.sidecar.GetEntitlementV2(s.ctx, request)).GetEntitlement()
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
