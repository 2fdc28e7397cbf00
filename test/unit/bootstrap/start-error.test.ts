import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, it } from "@jest/globals";
import { describeCheckFailure } from "../../../src/bootstrap/cli/commands/describe-check-failure.js";
import { environmentFault, listenFault } from "../../../src/bootstrap/process/start-error.js";

function systemError(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

describe("what the system refuses", () => {
  it.each([
    ["itself", systemError("EMFILE", "open")],
    ["a cause", new Error("it could not start", { cause: systemError("EMFILE", "open") })],
    [
      "one of several errors",
      new AggregateError([new Error("another"), systemError("EMFILE", "open")], "it did not end"),
    ],
  ])("is found as %s", (_, error) => {
    expect(environmentFault(error)).toMatch(/^this process may open too few files: .*ulimit -n.* \(open EMFILE\)$/);
  });

  it.each([
    ["a fault of the program", new TypeError("x is undefined")],
    ["another fault of several", new AggregateError([new Error("another")])],
    ["a code that no call of the system has", Object.assign(new Error("no"), { code: "EMFILE" })],
  ])("is not %s", (_, error) => {
    expect(environmentFault(error)).toBeUndefined();
  });

  it("is not blamed on the port that cannot be listened on", () => {
    const address = { port: 0, host: undefined, portName: "GRPC_PORT" };
    expect(listenFault(systemError("EMFILE", "listen"), address)).toMatch(
      /^GRPC_PORT: cannot listen on port 0: this process may open too few files: .*\(listen EMFILE\)$/,
    );
    expect(listenFault(systemError("ENOTSUP", "listen"), address)).toBe(
      "GRPC_PORT: cannot listen on port 0 (listen ENOTSUP): choose another GRPC_PORT",
    );
  });

  it("is not blamed on what answers at an address", () => {
    const error = new ConnectError(
      "connect EMFILE",
      Code.Unavailable,
      undefined,
      undefined,
      systemError("EMFILE", "connect"),
    );
    expect(describeCheckFailure(error, "http://127.0.0.1:80", 1_000)).toMatch(/^this process may open too few files: /);
  });
});
