// Calls every method of a running sidecar with the published Go stubs and gRPC-Go.
//
//	client [storm] HOST:PORT
//
// With "storm" it makes 10,000 calls instead, many at a time. Prints one JSON line for each check, and exits 1 when one of them found something else than it expects.
// What it expects is the catalog of ../catalog.ts.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	sidecarv1 "github.com/stiggio/sidecar-sdk-go/v7/generated/stigg/sidecar/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
)

const (
	customer = "acme"
	patience = 30 * time.Second
)

func main() {
	isStorm := len(os.Args) == 3 && os.Args[1] == "storm"
	if len(os.Args) != 2 && !isStorm {
		fmt.Fprintln(os.Stderr, "usage: client [storm] HOST:PORT")
		os.Exit(2)
	}
	address := os.Args[len(os.Args)-1]
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	s := suite{ctx: ctx, connection: connection, sidecar: sidecarv1.NewSidecarServiceClient(connection)}
	if isStorm {
		s.checkStorm(address)
	} else {
		s.checkEverything()
	}
	if s.failures > 0 {
		os.Exit(1)
	}
}

func (s *suite) checkEverything() {
	s.checkLists()
	s.checkSingleFeatures()
	s.checkSecondGeneration()
	s.checkReports()
	s.checkRefusals()
	s.checkTransport()
}

type suite struct {
	ctx        context.Context
	connection *grpc.ClientConn
	sidecar    sidecarv1.SidecarServiceClient
	failures   int
}

func (s *suite) metered(feature string) *sidecarv1.MeteredEntitlement {
	request := &sidecarv1.GetMeteredEntitlementRequest{CustomerId: customer, FeatureId: feature}
	return must(s.sidecar.GetMeteredEntitlement(s.ctx, request)).GetEntitlement()
}

func (s *suite) tokens() *sidecarv1.EntitlementV2 {
	request := &sidecarv1.GetEntitlementV2Request{CustomerId: customer, CurrencyId: proto.String("tokens")}
	return must(s.sidecar.GetEntitlementV2(s.ctx, request)).GetEntitlement()
}
