package interop;

import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Runs checks one after another and prints what each of them found, one JSON line a check. */
final class Suite {
  private int failures;

  interface Check {
    void run(Result result) throws Exception;
  }

  interface Call {
    Object make() throws Exception;
  }

  /** A call that fails is a fault of its check, not the end of the others. */
  void check(String name, Check check) {
    Result result = new Result();
    try {
      check.run(result);
    } catch (Exception failure) {
      result.faults.add(failure.toString());
    }
    if (!result.faults.isEmpty()) failures++;
    System.out.println(line(name, result.faults));
  }

  boolean hasFailed() {
    return failures > 0;
  }

  static final class Result {
    private final List<String> faults = new ArrayList<>();

    void equal(String what, Object got, Object want) {
      if (!Objects.equals(got, want)) faults.add(what + ": expected " + want + ", got " + got);
    }

    StatusRuntimeException fails(String what, Call call) throws Exception {
      Object answer;
      try {
        answer = call.make();
      } catch (StatusRuntimeException failure) {
        return failure;
      }
      throw new IllegalStateException(what + ": expected a failure, got " + answer);
    }
  }

  private static String line(String name, List<String> faults) {
    StringBuilder json = new StringBuilder("{\"check\":").append(quoted(name)).append(",\"ok\":").append(faults.isEmpty());
    if (!faults.isEmpty()) {
      json.append(",\"faults\":[");
      for (int i = 0; i < faults.size(); i++) json.append(i == 0 ? "" : ",").append(quoted(faults.get(i)));
      json.append(']');
    }
    return json.append('}').toString();
  }

  private static String quoted(String text) {
    StringBuilder json = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      // Everything but plain ASCII is escaped, so that the console's charset does not matter.
      if (c < ' ' || c > '~' || c == '"' || c == '\\') json.append(String.format("\\u%04x", (int) c));
      else json.append(c);
    }
    return json.append('"').toString();
  }
}
