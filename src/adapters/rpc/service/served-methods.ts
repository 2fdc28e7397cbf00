import type { DescMethod } from "@bufbuild/protobuf";
import type { MethodGroup, ServedMethod } from "../call/served-method.js";
import { Authorization } from "../gen/envoy/service/auth/v3/external_auth_pb.js";
import { Health } from "../gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "../gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionAlpha } from "../gen/grpc/reflection/v1alpha/reflection_pb.js";
import { SidecarService } from "../gen/stigg/sidecar/v1/sidecar_pb.js";

/** Of each method of the service: the compiler misses none. */
const GROUPS: Readonly<Record<keyof typeof SidecarService.method, MethodGroup>> = {
  getEntitlements: "check",
  getEntitlement: "check",
  getBooleanEntitlement: "check",
  getNumericEntitlement: "check",
  getMeteredEntitlement: "check",
  getEnumEntitlement: "check",
  getEntitlementV2: "check",
  getEntitlementsStateV2: "check",
  reportUsage: "report",
  reportUsageBulk: "report",
  reportEvents: "report",
  reloadEntitlements: "reload",
};

function served(method: DescMethod, index: number, group: MethodGroup, name: string): ServedMethod {
  return { index, name, path: pathOf(method), group };
}

function pathOf({ parent, name }: DescMethod): string {
  return `/${parent.typeName}/${name}`;
}

const OTHERS: readonly (readonly [method: DescMethod, group: MethodGroup, name: string])[] = [
  [Health.method.check, "health", "Health/Check"],
  [Health.method.watch, "health", "Health/Watch"],
  [Health.method.list, "health", "Health/List"],
  [ServerReflection.method.serverReflectionInfo, "reflection", "ServerReflection/v1"],
  [ServerReflectionAlpha.method.serverReflectionInfo, "reflection", "ServerReflection/v1alpha"],
  [Authorization.method.check, "check", "Authorization/Check"],
];

const known: ServedMethod[] = [];
for (const [localName, group] of Object.entries(GROUPS)) {
  const method = SidecarService.method[localName as keyof typeof GROUPS];
  known.push(served(method, known.length, group, method.name));
}
for (const [method, group, name] of OTHERS) known.push(served(method, known.length, group, name));

/** The endpoints of the OpenFeature Remote Evaluation Protocol. What is none of them counts as the last. */
export const OFREP_METHODS = {
  evaluate: ofrepMethod("Ofrep/Evaluate", "/ofrep/v1/evaluate/flags/"),
  evaluateAll: ofrepMethod("Ofrep/EvaluateAll", "/ofrep/v1/evaluate/flags"),
  configuration: ofrepMethod("Ofrep/Configuration", "/ofrep/v1/configuration"),
};

function ofrepMethod(name: string, path: string): ServedMethod {
  const method: ServedMethod = { index: known.length, name, path, group: "check" };
  known.push(method);
  return method;
}

/** What stands for a path that is no method's: rules and counters know it as one more. */
export const UNKNOWN_METHOD: ServedMethod = { index: known.length, name: "unknown", path: "", group: "check" };

/** Every method that may be called, by its index. */
export const SERVED_METHODS: readonly ServedMethod[] = [...known, UNKNOWN_METHOD];

const BY_PATH: ReadonlyMap<string, ServedMethod> = new Map(known.map((method) => [method.path, method]));

export function methodAt(path: string): ServedMethod {
  return BY_PATH.get(path) ?? UNKNOWN_METHOD;
}

/** @throws Error for a method that is not in the tables above */
export function methodOf(descriptor: DescMethod): ServedMethod {
  const method = BY_PATH.get(pathOf(descriptor));
  if (method === undefined) throw new Error(`${pathOf(descriptor)} is missing in served-methods.ts`);
  return method;
}
