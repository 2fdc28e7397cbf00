package main

import (
	"context"
	"math"
	"strings"
	"sync"
	"time"

	sidecarv1 "github.com/stiggio/sidecar-sdk-go/v7/generated/stigg/sidecar/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

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
	s.check("a deadline that has passed is reported", func(r *result) {
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
