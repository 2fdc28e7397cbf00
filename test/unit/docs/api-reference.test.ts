import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fromJsonString } from "@bufbuild/protobuf";
import { describe, expect, it } from "@jest/globals";
import { JSON_OPTIONS } from "../../../src/adapters/rpc/answers/answer-encoders.js";
import { Health } from "../../../src/adapters/rpc/gen/grpc/health/v1/health_pb.js";
import {
  file_stigg_sidecar_v1_sidecar,
  SidecarService,
} from "../../../src/adapters/rpc/gen/stigg/sidecar/v1/sidecar_pb.js";
import { examplesOf } from "./api-examples.js";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGE = readFileSync(join(ROOT, "docs/api.md"), "utf8");
const HEADINGS = new Set([...PAGE.matchAll(/^### (?<name>.+)$/gm)].map(({ groups }) => groups?.["name"]));

describe("the API reference", () => {
  it("is what `npm run generate:api` writes", () => {
    expect(execFileSync(process.execPath, ["build/api-reference.js", "--print"], { cwd: ROOT, encoding: "utf8" })).toBe(
      PAGE,
    );
  });

  it("has a heading for every method, message and enum", () => {
    const { messages, enums } = file_stigg_sidecar_v1_sidecar;
    const names = [...SidecarService.methods, ...Health.methods, ...messages, ...enums].map(({ name }) => name);
    expect(names.filter((name) => !HEADINGS.has(name))).toEqual([]);
  });

  it("has one heading of a name, so that its links are not ambiguous", () => {
    expect(HEADINGS.size).toBe([...PAGE.matchAll(/^### /gm)].length);
  });

  const methods = [...SidecarService.methods, ...Health.methods].filter(({ methodKind }) => methodKind === "unary");
  it.each(methods.map((method) => [`${method.parent.typeName}/${method.name}`, method] as const))(
    "shows a request that %s takes",
    (path, { input }) => {
      const body = examplesOf(PAGE).get(path);
      expect(() => fromJsonString(input, body ?? "", JSON_OPTIONS)).not.toThrow();
    },
  );
});
