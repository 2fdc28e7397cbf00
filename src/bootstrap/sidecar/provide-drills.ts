import type { ResolutionContext } from "inversify";
import { checkFaultRule, type HttpRule } from "../../adapters/emulator/faults/fault-rules.js";
import { drillRoutes, type OpenDrillWorld } from "../../adapters/ops/drill-routes.js";
import type { OpsRoute } from "../../adapters/ops/ops-server.js";
import { forOperators } from "../../adapters/ops/private-access.js";
import { DrillChecks } from "../../application/drill/drill-checks.js";
import { CodedError } from "../../domain/errors.js";
import type { Provide } from "../process/provide.js";
import { drillWorld, type WorldTimes } from "./drills.js";
import type { Foundations } from "./foundations.js";
import { TOKENS } from "./tokens.js";

/** Drills, where they are enabled: else nothing of them is there. */
export function provideDrills(provide: Provide, foundations: Foundations, times: WorldTimes): void {
  const { config, logger, clock, opsToken = () => config.opsToken } = foundations;
  provide(TOKENS.drillChecks, (made) =>
    config.drillsEnabled
      ? new DrillChecks({
          plain: made.get(TOKENS.checkEntitlement),
          cache: made.get(TOKENS.cache),
          overlay: made.get(TOKENS.overlay),
          fallbacks: made.get(TOKENS.fallbacks),
          clock,
          logger,
        })
      : undefined,
  );
  provide(TOKENS.drillOps, (made) => {
    const checks = made.get(TOKENS.drillChecks);
    if (checks === undefined) return undefined;
    const { routes, actions } = drillRoutes(checks, openIn(made, foundations, times));
    const guarded = (of: ReadonlyMap<string, OpsRoute>) =>
      new Map([...of].map(([path, route]) => [path, forOperators(route, opsToken)]));
    return { routes: guarded(routes), actions: guarded(actions) };
  });
}

function openIn(made: ResolutionContext, foundations: Foundations, times: WorldTimes): OpenDrillWorld {
  return (target, faults) => drillWorld(made, foundations, { target, rules: faults.map(httpRule) }, times);
}

function httpRule(text: string): HttpRule {
  const checked = checkFaultRule(text);
  if ("wrong" in checked) throw new CodedError("invalid-argument", checked.wrong);
  const { rule } = checked;
  if (rule.target === "edge" || rule.target === "api") return rule;
  throw new CodedError(
    "invalid-argument",
    `a fault of ${rule.target} cannot strike in a drill: take one of edge or api`,
  );
}
