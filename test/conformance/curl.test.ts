import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { describe } from "@jest/globals";
import { describeConformance, type Outcome } from "./harness/run-calls.js";

const run = promisify(execFile);

const VERSIONS = { "HTTP/1.1": "--http1.1", "HTTP/2 with prior knowledge": "--http2-prior-knowledge" } as const;

const features = curlFeatures();
for (const [version, option] of Object.entries(VERSIONS)) {
  const isThere = features !== undefined && (option === "--http1.1" || features.includes("HTTP2"));
  (!isThere ? describe.skip : describe)(isThere ? "as installed" : "the machine has no curl that can do it", () => {
    describeConformance(`curl: ${version}`, ({ url }) => ({
      call: (method, request) => curl(`${url}/${method.parent.typeName}/${method.name}`, option, request),
    }));
  });
}

async function curl(url: string, option: string, request: JsonObject): Promise<Outcome> {
  const { stdout } = await run("curl", [
    ...["--silent", "--show-error", "--include", option, "--header", "content-type: application/json"],
    ...["--data", JSON.stringify(request), url],
  ]);
  const endOfHeaders = stdout.indexOf("\r\n\r\n");
  const headers = stdout.slice(0, endOfHeaders);
  const body = JSON.parse(stdout.slice(endOfHeaders)) as JsonValue;
  if (!/^HTTP\/\S+ 200/.test(headers)) return body as { code: string; message: string };
  return { code: undefined, response: body, source: /^x-entitlement-source: (\S+)/im.exec(headers)?.[1] };
}

function curlFeatures(): string | undefined {
  try {
    return execFileSync("curl", ["--version"], { encoding: "utf8" });
  } catch {
    return undefined;
  }
}
