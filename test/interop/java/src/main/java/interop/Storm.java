package interop;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import stigg.sidecar.v1.GetBooleanEntitlementResponse;
import stigg.sidecar.v1.SidecarServiceGrpc;
import stigg.sidecar.v1.SidecarServiceGrpc.SidecarServiceFutureStub;

/** 10,000 calls over a few connections that ping: half of them are cancelled, some have deadlines that expire. */
final class Storm {
  private static final int CALLS = 10_000;
  private static final int CONNECTIONS = 4;
  private static final int AT_ONCE = 500;

  private enum Kind { KEPT, CANCELLED, EXPIRED }

  private final Suite suite;
  private final String address;
  private final Semaphore turns = new Semaphore(AT_ONCE);
  private final Map<Kind, Map<String, Integer>> outcomes = new ConcurrentHashMap<>();

  Storm(Suite suite, String address) {
    this.suite = suite;
    this.address = address;
    for (Kind kind : Kind.values()) outcomes.put(kind, new ConcurrentHashMap<>());
  }

  void checkStorm() throws InterruptedException {
    List<ManagedChannel> channels = new ArrayList<>();
    for (int i = 0; i < CONNECTIONS; i++) {
      channels.add(NettyChannelBuilder.forTarget(address).usePlaintext()
          .keepAliveTime(10, TimeUnit.SECONDS).keepAliveTimeout(10, TimeUnit.SECONDS).keepAliveWithoutCalls(true).build());
    }
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    for (int number = 0; number < CALLS; number++) {
      turns.acquire();
      call(SidecarServiceGrpc.newFutureStub(channels.get(number % CONNECTIONS)), number, timer);
    }
    turns.acquire(AT_ONCE);
    timer.shutdown();
    for (ManagedChannel channel : channels) channel.shutdownNow().awaitTermination(Calls.PATIENCE_SECONDS, TimeUnit.SECONDS);
    suite.check("in a storm no call fails that nobody cancelled", r -> r.equal("others", without(Kind.KEPT, "OK"), Map.of()));
    suite.check("in a storm a cancelled call is cancelled or answered",
        r -> r.equal("others", without(Kind.CANCELLED, "OK", "CANCELLED"), Map.of()));
    suite.check("in a storm a deadline is met or has passed",
        r -> r.equal("others", without(Kind.EXPIRED, "OK", "DEADLINE_EXCEEDED"), Map.of()));
  }

  private void call(SidecarServiceFutureStub stub, int number, ScheduledExecutorService timer) {
    Kind kind = number % 2 == 1 ? Kind.CANCELLED : number % 20 == 0 ? Kind.EXPIRED : Kind.KEPT;
    ThreadLocalRandom random = ThreadLocalRandom.current();
    SidecarServiceFutureStub limited = kind == Kind.EXPIRED
        ? stub.withDeadlineAfter(random.nextInt(2_000), TimeUnit.MICROSECONDS)
        : stub.withDeadlineAfter(Calls.PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (number % 8 == 2) limited = limited.withCompression("gzip");
    ListenableFuture<GetBooleanEntitlementResponse> call = limited.getBooleanEntitlement(Calls.ofFeature(Calls.CUSTOMER, "sso").build());
    Futures.addCallback(call, new FutureCallback<>() {
      @Override
      public void onSuccess(GetBooleanEntitlementResponse answer) {
        settled(kind, answer.getHasAccess() ? "OK" : "denied");
      }

      @Override
      public void onFailure(Throwable failure) {
        boolean isCancelled = failure instanceof CancellationException;
        settled(kind, isCancelled ? "CANCELLED" : Status.fromThrowable(failure).getCode().name());
      }
    }, MoreExecutors.directExecutor());
    if (kind == Kind.CANCELLED) timer.schedule(() -> call.cancel(true), random.nextInt(3_000), TimeUnit.MICROSECONDS);
  }

  private void settled(Kind kind, String outcome) {
    outcomes.get(kind).merge(outcome, 1, Integer::sum);
    turns.release();
  }

  private Map<String, Integer> without(Kind kind, String... allowed) {
    Set<String> known = Set.of(allowed);
    return outcomes.get(kind).entrySet().stream().filter(entry -> !known.contains(entry.getKey()))
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }
}
