require("./invite-tests.cjs")(require("entitlement-sidecar/testing"), {
  describe,
  test,
  beforeAll,
  beforeEach,
  afterAll,
});
