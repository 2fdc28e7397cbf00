import { describe, expect, it } from "@jest/globals";
import { newTelemetry } from "../../../src/ports/telemetry.js";
import { FaultLog, FieldFault } from "../../../src/wire/fault-log.js";
import { RecordingLogger } from "../../fakes/recording-logger.js";

function newFaultLog() {
  const logger = new RecordingLogger();
  const telemetry = newTelemetry();
  return { faults: new FaultLog(logger, telemetry), logger, telemetry };
}

describe("faults in upstream's data", () => {
  it("are counted each, and told once for each kind and place", () => {
    const { faults, logger, telemetry } = newFaultLog();
    for (const where of ["here", "here", "there"]) faults.add(where, new FieldFault("feature", "an object", null));
    faults.add("here", new FieldFault("usageLimit", "a finite number", "x", "seats"));
    faults.add("here", new FieldFault("usageLimit", "a finite number", "x", "storage"));
    expect(telemetry.malformedUpstreamData).toBe(5);
    expect(logger.lines.map(({ fields }) => fields)).toEqual([
      { where: "here", fault: "feature: expected an object, found null" },
      { where: "there", fault: "feature: expected an object, found null" },
      { where: "here", fault: 'usageLimit: expected a finite number, found "x"', entitlementId: "seats" },
    ]);
  });

  it("go on being counted when there are too many kinds to tell", () => {
    const { faults, logger, telemetry } = newFaultLog();
    for (let i = 0; i < 5_000; i++) faults.add("here", new FieldFault("usageLimit", "a finite number", `x${i}`));
    expect(telemetry.malformedUpstreamData).toBe(5_000);
    expect(logger.lines).toHaveLength(1_000);
  });

  it("show no more than the beginning of a long value", () => {
    expect(new FieldFault("usageLimit", "a finite number", "x".repeat(5_000)).message.length).toBeLessThan(100);
  });
});
