// May customer-demo add three seats, and how much is left?
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	sidecarv1 "example.com/entitlements/gen/stigg/sidecar/v1"
)

func main() {
	address := "localhost:50051"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer connection.Close()
	sidecar := sidecarv1.NewSidecarServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	seats, err := sidecar.GetMeteredEntitlement(ctx, &sidecarv1.GetMeteredEntitlementRequest{
		CustomerId: "customer-demo",
		FeatureId:  "seats",
		Options:    &sidecarv1.MeteredEntitlementOptions{RequestedUsage: proto.Float64(3)},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("seats: granted=%t used=%g limit=%g\n", seats.GetHasAccess(), seats.GetEntitlement().GetCurrentUsage(), seats.GetEntitlement().GetUsageLimit())

	sso, err := sidecar.GetBooleanEntitlement(ctx, &sidecarv1.GetBooleanEntitlementRequest{CustomerId: "customer-demo", FeatureId: "sso"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("sso: granted=%t reason=%s\n", sso.GetHasAccess(), sso.GetAccessDeniedReason())

	// The same report under the same key counts once, however often it is sent.
	keyed := metadata.AppendToOutgoingContext(ctx, "idempotency-key", "go-1")
	report := &sidecarv1.ReportUsageRequest{CustomerId: "customer-demo", FeatureId: "storage-gb", Value: 1}
	if _, err := sidecar.ReportUsage(keyed, report); err != nil {
		log.Fatal(err)
	}
	answer, err := sidecar.ReportUsage(keyed, report)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("storage: used=%g\n", answer.GetCurrentUsage())
}
