package interop;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.TimeUnit;

/**
 * Calls every method of a running sidecar with grpc-java and stubs generated from this project's proto.
 *
 * <p>Takes HOST:PORT; with "storm" before it, it makes 10,000 calls instead, many at a time. Prints one JSON line for each check, and exits 1 when one of them found something else
 * than it expects. What it expects is the catalog of ../catalog.ts.
 */
public final class Client {
  private Client() {}

  public static void main(String[] arguments) throws InterruptedException {
    boolean isStorm = arguments.length == 2 && arguments[0].equals("storm");
    if (arguments.length != 1 && !isStorm) {
      System.err.println("usage: Client [storm] HOST:PORT");
      System.exit(2);
    }
    if (isStorm) {
      Suite storm = new Suite();
      new Storm(storm, arguments[1]).checkStorm();
      System.exit(storm.hasFailed() ? 1 : 0);
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
