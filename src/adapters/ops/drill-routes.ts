import type { DrillChecks, DrillWorld } from "../../application/drill/drill-checks.js";
import {
  DRILL_TARGETS,
  type DrillPlan,
  type DrillTarget,
  MAX_DRILL_MS,
  MAX_DRILL_SHARE,
} from "../../domain/drill/drill.js";
import { CodedError } from "../../domain/errors.js";
import { explain, json, type OpsReply, type OpsRoute } from "./ops-server.js";

const DEFAULT_MAX_WRONG = 10;
const DEFAULT_MAX_ASSUMED = 100;

/**
 * Opens what the calls of a drill are answered from.
 *
 * @param faults each a fault of the emulator's board as JSON
 * @throws CodedError `invalid-argument` for faults that are none, `failed-precondition` where there is nothing that could fail
 */
export type OpenDrillWorld = (target: DrillTarget, faults: readonly string[]) => DrillWorld;

/** What the metrics port serves of drills. */
export interface DrillOps {
  readonly routes: ReadonlyMap<string, OpsRoute>;
  readonly actions: ReadonlyMap<string, OpsRoute>;
}

/** What is asked of drills, and done about them, by path. For operators alone: the caller guards it. */
export function drillRoutes(checks: DrillChecks, open: OpenDrillWorld): DrillOps {
  const report = () => json(200, { report: checks.report() ?? null });
  return {
    routes: new Map([["/drill", report]]),
    actions: new Map<string, OpsRoute>([
      ["/drill", (query) => start(checks, open, query)],
      [
        "/drill/stop",
        () => {
          checks.stop("operator");
          return report();
        },
      ],
    ]),
  };
}

function start(checks: DrillChecks, open: OpenDrillWorld, query: URLSearchParams): OpsReply {
  const target = DRILL_TARGETS.find((known) => known === query.get("target"));
  if (target === undefined) return explain(400, `target must be one of ${DRILL_TARGETS.join(", ")}`);
  const plan: DrillPlan = {
    target,
    forMs: Number(query.get("for") ?? NaN),
    share: Number(query.get("share") ?? NaN),
    maxWrong: Number(query.get("max-wrong") ?? DEFAULT_MAX_WRONG),
    maxAssumed: Number(query.get("max-assumed") ?? DEFAULT_MAX_ASSUMED),
  };
  const fault = faultOf(plan);
  if (fault !== undefined) return explain(400, fault);
  try {
    return json(200, { report: checks.start(plan, () => open(target, query.getAll("fault"))) });
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return explain(error.code === "invalid-argument" ? 400 : 409, error.message);
  }
}

function faultOf({ forMs, share, maxWrong, maxAssumed }: DrillPlan): string | undefined {
  if (!(forMs >= 1 && forMs <= MAX_DRILL_MS)) return `for must be milliseconds, 1 to ${MAX_DRILL_MS}`;
  if (!(share > 0 && share <= MAX_DRILL_SHARE)) return `share must be a number above 0, up to ${MAX_DRILL_SHARE}`;
  const isCount = (value: number) => Number.isInteger(value) && value >= 0;
  return isCount(maxWrong) && isCount(maxAssumed)
    ? undefined
    : "max-wrong and max-assumed must be whole numbers, 0 or above";
}
