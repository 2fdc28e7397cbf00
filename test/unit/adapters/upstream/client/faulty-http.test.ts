import { describe, expect, it } from "@jest/globals";
import { FaultyHttp } from "../../../../../src/adapters/upstream/client/faulty-http.js";
import { OPERATION_HEADER } from "../../../../../src/adapters/upstream/client/graphql-client.js";
import type { Span } from "../../../../../src/ports/tracer.js";
import type { HttpFault } from "../../../../../src/ports/upstream-client.js";
import { Cancellation } from "../../../../../src/ports/waits.js";

/** Where nobody listens: whatever is sent in earnest fails otherwise than by the fault. */
const NOWHERE = { name: "Edge", baseUrl: "http://127.0.0.1:1", headers: {}, maxBodyBytes: 1_000 };

function struckBy(fault: HttpFault) {
  const operations: string[] = [];
  const http = new FaultyHttp("edge", NOWHERE, (_, operation) => {
    operations.push(operation);
    return { fault, off: new Promise(() => undefined) };
  });
  return { http, operations };
}

class EndedSpan implements Span {
  readonly traceparent = `00-${"1".repeat(32)}-${"2".repeat(16)}-01`;
  readonly failures: (string | undefined)[] = [];

  child(): Span {
    return this;
  }

  set(): void {
    // What is said of it is not looked at.
  }

  end(failure?: string): void {
    this.failures.push(failure);
  }
}

describe("a request that a fault strikes", () => {
  it.each<[name: string, fault: HttpFault, ends: RegExp]>([
    ["that is answered with a status", { kind: "status", status: 503 }, /^HTTP 503$/],
    ["whose connection is reset", { kind: "reset", when: "before-effect" }, /ECONNRESET/],
  ])("%s, ends its span once, as any other does", async (_, fault, ends) => {
    const { http } = struckBy(fault);
    const span = new EndedSpan();
    await http.get("/v1/state.json", new Cancellation(), span).catch(() => undefined);
    expect(span.failures).toEqual([expect.stringMatching(ends)]);
  });

  it("that is never answered, fails once it is not wanted any more", async () => {
    const { http } = struckBy({ kind: "hang" });
    const signal = new Cancellation();
    const answer = http.get("/v1/state.json", signal);
    signal.abort();
    await expect(answer).rejects.toMatchObject({ code: "cancelled" });
  });

  it("is looked up by the file, or by the operation of GraphQL", async () => {
    const { http, operations } = struckBy({ kind: "status", status: 500 });
    await http.get("/v1/c/x/state.json?resource=r", new Cancellation());
    await http.post("/graphql", {}, { [OPERATION_HEADER]: "ReportUsage" }, new Cancellation());
    expect(operations).toEqual(["state.json", "ReportUsage"]);
  });
});
