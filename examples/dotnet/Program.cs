// May customer-demo add three seats, and how much is left?
using Grpc.Core;
using Grpc.Net.Client;
using Stigg.Sidecar.V1;

var address = args.Length > 0 ? args[0] : "localhost:50051";
using var channel = GrpcChannel.ForAddress($"http://{address}");
var sidecar = new SidecarService.SidecarServiceClient(channel);
var deadline = DateTime.UtcNow.AddSeconds(10);
const string customer = "customer-demo";

var seats = await sidecar.GetMeteredEntitlementAsync(
    new GetMeteredEntitlementRequest
    {
        CustomerId = customer,
        FeatureId = "seats",
        Options = new MeteredEntitlementOptions { RequestedUsage = 3 },
    },
    deadline: deadline);
Console.WriteLine(
    $"seats: granted={seats.HasAccess} used={seats.Entitlement.CurrentUsage} limit={seats.Entitlement.UsageLimit}");

var sso = await sidecar.GetBooleanEntitlementAsync(
    new GetBooleanEntitlementRequest { CustomerId = customer, FeatureId = "sso" },
    deadline: deadline);
Console.WriteLine($"sso: granted={sso.HasAccess} reason={sso.AccessDeniedReason}");

// The same report under the same key counts once, however often it is sent.
var report = new ReportUsageRequest { CustomerId = customer, FeatureId = "storage-gb", Value = 1 };
var key = new Metadata { { "idempotency-key", "dotnet-1" } };
await sidecar.ReportUsageAsync(report, key, deadline);
var answer = await sidecar.ReportUsageAsync(report, key, deadline);
Console.WriteLine(FormattableString.Invariant($"storage: used={answer.CurrentUsage}"));
