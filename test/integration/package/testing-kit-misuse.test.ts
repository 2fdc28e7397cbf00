import { describe, expect, it } from "@jest/globals";
import { customer, feature, metered, plan, type RunningSidecar, startSidecar } from "../../../src/public/testing.js";
import { onTestFinished } from "../../support/on-test-finished.js";

const CATALOG = {
  features: [feature("sso"), metered("seats")],
  plans: [plan("pro").with("seats", 10)],
  customers: [customer("acme").onPlan("pro")],
};

async function started(): Promise<RunningSidecar> {
  const sidecar = await startSidecar({ catalog: CATALOG });
  onTestFinished(() => sidecar.stop());
  return sidecar;
}

const answers = (sidecar: RunningSidecar) =>
  fetch(`http://127.0.0.1:${sidecar.metricsPort}/livez`).then(
    () => true,
    () => false,
  );

describe("what a test in JavaScript may give by mistake", () => {
  it.each<[what: string, options: unknown, message: RegExp]>([
    ["nothing", undefined, /needs options, of them `catalog`/],
    ["no catalog", {}, /a catalog is an object/],
    ["null for a catalog", { catalog: null }, /a catalog is an object/],
    ["the name of a file", { catalog: "catalog.yaml" }, /a catalog is an object/],
    [
      "an option that there is not",
      { catalog: CATALOG, fallback: {} },
      /no option "fallback"; there are catalog, fallbacks/,
    ],
    ["customers by their ids", { catalog: { ...CATALOG, customers: { acme: {} } } }, /customers: must be a list/],
    ["null for the customers", { catalog: { ...CATALOG, customers: null } }, /customers: must be a list/],
    ["null for a customer", { catalog: { ...CATALOG, customers: [null] } }, /customers\[0\]: must be a mapping/],
    ["an id for a customer", { catalog: { ...CATALOG, customers: ["acme"] } }, /customers\[0\]: must be a mapping/],
    ["undefined for a plan", { catalog: { ...CATALOG, plans: [undefined] } }, /plans\[0\]: must be a mapping/],
  ])("%s is refused in words", async (_, options, message) => {
    await expect(startSidecar(options as never)).rejects.toMatchObject({
      name: "CodedError",
      code: "invalid-argument",
      message: expect.stringMatching(message) as unknown,
    });
  });

  it.each<[what: string, change: (sidecar: RunningSidecar) => void]>([
    ["no customer", (sidecar) => sidecar.setCustomer(undefined as never)],
    ["an id for a customer", (sidecar) => sidecar.setCustomer("acme" as never)],
    ["no plan", (sidecar) => sidecar.setPlan(undefined as never)],
    ["no catalog", (sidecar) => sidecar.setCatalog(undefined as never)],
  ])("%s is refused later, too, and what was true stays", async (_, change) => {
    const sidecar = await started();
    expect(() => change(sidecar)).toThrow(expect.objectContaining({ code: "invalid-argument" }));
    sidecar.setCustomer(customer("other").onPlan("pro"));
  });

  it.each<[what: string, ms: unknown]>([
    ["a text", "1000"],
    ["nothing", undefined],
    ["no number", NaN],
    ["more than there is of time", 1e15],
    ["infinity", Infinity],
  ])("time that goes on by %s is refused, and goes on as it was", async (_, ms) => {
    const sidecar = await started();
    expect(() => sidecar.clock.advance(ms as number)).toThrow(RangeError);
    expect(Math.abs(sidecar.clock.now() - Date.now())).toBeLessThan(60_000);
  });

  it("no time is told by which the service could not answer", async () => {
    const sidecar = await started();
    expect(() => sidecar.clock.advanceTo(8.64e15)).toThrow(/as far as the year 9000/);
    await expect(startSidecar({ catalog: CATALOG, now: 8.64e15 })).rejects.toThrow(/as far as the year 9000/);
  });
});

describe("resets and the end, however they come together", () => {
  it("resets that are asked for at once come one after another", async () => {
    const sidecar = await started();
    await Promise.all([sidecar.reset(), sidecar.reset(), sidecar.reset()]);
    expect(await answers(sidecar)).toBe(true);
  });

  it("a stop during a reset leaves nothing that answers", async () => {
    const sidecar = await started();
    const reset = sidecar.reset();
    await Promise.all([sidecar.stop(), sidecar.stop()]);
    await reset;
    expect(await answers(sidecar)).toBe(false);
  });

  it("a reset after the stop is refused, rather than begin one that nobody ends", async () => {
    const sidecar = await started();
    await sidecar.stop();
    await expect(sidecar.reset()).rejects.toMatchObject({ code: "failed-precondition" });
    expect(await answers(sidecar)).toBe(false);
  });

  it("two sidecars of one process know nothing of each other", async () => {
    const [one, other] = [await started(), await started()];
    one.goOffline();
    one.clock.advance(86_400_000);
    expect(other.clock.now()).toBeLessThan(one.clock.now());
    await one.stop();
    expect(await answers(other)).toBe(true);
  });
});
