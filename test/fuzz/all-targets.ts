import type { FuzzTarget } from "./fuzz-target.js";
import { connectionTarget } from "./targets/connection-target.js";
import { frameTarget } from "./targets/frame-target.js";
import { hpackTarget } from "./targets/hpack-target.js";
import { jsonTarget, protobufTarget } from "./targets/request-target.js";

/** Makers of all targets, since some hold servers: by name. */
export const TARGETS: ReadonlyMap<string, () => FuzzTarget | Promise<FuzzTarget>> = new Map<
  string,
  () => FuzzTarget | Promise<FuzzTarget>
>([
  ["hpack", hpackTarget],
  ["frames", frameTarget],
  ["connections", connectionTarget],
  ["protobuf", protobufTarget],
  ["json", jsonTarget],
]);
