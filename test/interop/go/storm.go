package main

import (
	"context"
	"fmt"
	"math/rand"
	"sync"
	"sync/atomic"
	"time"

	sidecarv1 "github.com/stiggio/sidecar-sdk-go/v7/generated/stigg/sidecar/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
)

const (
	stormCalls       = 10_000
	stormConnections = 4
	stormAtOnce      = 500
)

// What became of calls of one kind, by code.
type outcomes struct {
	mutex sync.Mutex
	codes map[codes.Code]int
	wrong int
}

func (o *outcomes) add(code codes.Code, isWrong bool) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if o.codes == nil {
		o.codes = map[codes.Code]int{}
	}
	o.codes[code]++
	if isWrong {
		o.wrong++
	}
}

func (o *outcomes) without(allowed ...codes.Code) string {
	others := ""
	for code, count := range o.codes {
		isAllowed := false
		for _, each := range allowed {
			isAllowed = isAllowed || code == each
		}
		if !isAllowed {
			others += fmt.Sprintf("%d %s ", count, code)
		}
	}
	if o.wrong > 0 {
		others += fmt.Sprintf("%d denied", o.wrong)
	}
	return others
}

// checkStorm makes 10,000 calls over a few connections that ping: half of them are cancelled, some have deadlines that expire.
func (s *suite) checkStorm(address string) {
	var clients []sidecarv1.SidecarServiceClient
	for range stormConnections {
		connection := must(grpc.NewClient(address,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 10 * time.Second, PermitWithoutStream: true}),
		))
		defer connection.Close()
		clients = append(clients, sidecarv1.NewSidecarServiceClient(connection))
	}
	var kept, cancelled, expired outcomes
	var calls sync.WaitGroup
	var next atomic.Int64
	for range stormAtOnce {
		calls.Add(1)
		go func() {
			defer calls.Done()
			for {
				number := int(next.Add(1)) - 1
				if number >= stormCalls {
					return
				}
				s.stormCall(clients[number%stormConnections], number, &kept, &cancelled, &expired)
			}
		}()
	}
	calls.Wait()
	s.check("in a storm no call fails that nobody cancelled", func(r *result) { r.equal("others", kept.without(codes.OK), "") })
	s.check("in a storm a cancelled call is cancelled or answered", func(r *result) {
		r.equal("others", cancelled.without(codes.OK, codes.Canceled), "")
	})
	s.check("in a storm a deadline is met or has passed", func(r *result) {
		r.equal("others", expired.without(codes.OK, codes.DeadlineExceeded), "")
	})
}

func (s *suite) stormCall(client sidecarv1.SidecarServiceClient, number int, kept, cancelled, expired *outcomes) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	counted := kept
	switch {
	case number%2 == 1:
		counted = cancelled
		time.AfterFunc(time.Duration(rand.Intn(3_000))*time.Microsecond, cancel)
	case number%20 == 0:
		counted = expired
		ctx, cancel = context.WithTimeout(ctx, time.Duration(rand.Intn(2_000))*time.Microsecond)
		defer cancel()
	}
	var options []grpc.CallOption
	if number%8 == 2 {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	answer, err := client.GetBooleanEntitlement(ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: customer, FeatureId: "sso"}, options...)
	counted.add(status.Code(err), err == nil && !answer.HasAccess)
}
