const assert = require("node:assert/strict");
const { invite } = require("../src/invite.cjs");

/**
 * The tests, for any runner.
 *
 * @param testing what entitlement-sidecar/testing exports
 * @param runner its describe, test, beforeAll, beforeEach, afterAll
 */
module.exports = ({ customer, metered, plan, startSidecar }, { describe, test, beforeAll, beforeEach, afterAll }) => {
  describe("inviting people", () => {
    let sidecar;
    beforeAll(async () => {
      sidecar = await startSidecar({
        catalog: {
          features: [metered("seats")],
          plans: [plan("pro").with("seats", 10)],
          customers: [customer("acme").onPlan("pro").withUsage("seats", 7)],
        },
      });
    });
    beforeEach(() => sidecar.reset());
    afterAll(() => sidecar.stop());

    test("goes as far as there are seats", async () => {
      assert.deepEqual(await invite(sidecar.baseUrl, "acme", ["a", "b"]), { invited: true, message: "Invited 2." });
      assert.deepEqual(await invite(sidecar.baseUrl, "acme", ["c", "d"]), {
        invited: false,
        message: "1 seats are left.",
      });
    });

    test("is reported", async () => {
      await invite(sidecar.baseUrl, "acme", ["a", "b"]);
      assert.deepEqual(
        sidecar.reports().map(({ featureId, value }) => [featureId, value]),
        [["seats", 2]],
      );
    });

    test("goes on after an upgrade", async () => {
      sidecar.setPlan(plan("pro").with("seats", 100));
      assert.equal((await invite(sidecar.baseUrl, "acme", Array(20).fill("x"))).invited, true);
    });

    test("asks for patience where nothing is known", async () => {
      sidecar.goOffline();
      assert.deepEqual(await invite(sidecar.baseUrl, "acme", ["a"]), {
        invited: false,
        message: "Try again in a minute.",
      });
    });
  });
};
