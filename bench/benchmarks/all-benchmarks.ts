import type { Benchmark } from "../benchmark.js";
import { DECISIONS } from "../decisions/decisions.js";
import { MEMORY } from "../memory/memory.js";
import { CACHED_CHECKS } from "./cached-checks.js";
import { COLD_START } from "./cold-start.js";
import { EACH_METHOD } from "./each-method.js";
import { GENERATOR } from "./generator.js";
import { GROWTH } from "./growth.js";
import { JSON_CHECKS } from "./json-checks.js";
import { LISTS } from "./lists.js";
import { NATIVE } from "./native-peers.js";
import { ONE_IN_FLIGHT } from "./one-in-flight.js";
import { OUTBOX } from "./outbox.js";
import { PATHS } from "./paths.js";
import { PROFILE } from "./profile.js";
import { REDIS_MODE } from "./redis-mode.js";
import { SEVERAL_PROCESSES } from "./several-processes.js";
import { START } from "./start.js";
import { STEADY_LOAD } from "./steady-load.js";

/** In the order in which they run and are reported. */
export const BENCHMARKS: readonly Benchmark[] = [
  START,
  GENERATOR,
  ...CACHED_CHECKS,
  ONE_IN_FLIGHT,
  LISTS,
  JSON_CHECKS,
  PATHS,
  NATIVE,
  STEADY_LOAD,
  GROWTH,
  REDIS_MODE,
  DECISIONS,
  MEMORY,
  EACH_METHOD,
  PROFILE,
  SEVERAL_PROCESSES,
  OUTBOX,
  COLD_START,
];
