package interop;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.TimeUnit;

/**
 * Calls every method of a running sidecar with grpc-java and stubs generated from this project's proto.
 *
 * <p>Takes HOST:PORT. Prints one JSON line for each check, and exits 1 when one of them found something else
 * than it expects. What it expects is the catalog of ../catalog.ts.
 */
public final class Client {
  private Client() {}

  public static void main(String[] arguments) throws InterruptedException {
    if (arguments.length != 1) {
      System.err.println("usage: Client HOST:PORT");
      System.exit(2);
    }
    ManagedChannel channel = NettyChannelBuilder.forTarget(arguments[0]).usePlaintext().build();
    Suite suite = new Suite();
    try {
      runChecks(suite, new Calls(channel));
    } finally {
      channel.shutdownNow().awaitTermination(Calls.PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
    System.exit(suite.hasFailed() ? 1 : 0);
  }

  private static void runChecks(Suite suite, Calls calls) {
    FeatureChecks features = new FeatureChecks(suite, calls);
    features.checkLists();
    features.checkSingleFeatures();
    features.checkSecondGeneration();
    new ReportChecks(suite, calls).checkReports();
    TransportChecks transport = new TransportChecks(suite, calls);
    transport.checkRefusals();
    transport.checkTransport();
  }
}
