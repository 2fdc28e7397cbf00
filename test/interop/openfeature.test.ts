import { fileURLToPath } from "node:url";
import { expect, it } from "@jest/globals";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";
import { onTestFinished } from "../support/on-test-finished.js";
import { pythonEnvironment } from "./python-program.js";
import { runCommand } from "./run-command.js";
import { sidecarForClient } from "./sidecar-for-client.js";
import { findToolchain, itWith } from "./toolchain.js";

const PYTHON = fileURLToPath(new URL("openfeature/", import.meta.url));

const python = await findToolchain("Python 3 with venv", "python3", [
  "-c",
  "import ensurepip, platform, venv; print(platform.python_version())",
]);

/** What a client of any language is answered from the catalog of these tests. */
const ANSWERS = {
  sso: true,
  seats: true,
  tooManySeats: false,
  retention: 30,
  regions: "eu,us",
  usage: 3,
  reason: "NoFeatureEntitlementInSubscription",
};

it("OpenFeature's client for Node is answered by OFREP", async () => {
  await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl: `http://${await sidecarForClient()}` }));
  onTestFinished(() => OpenFeature.close());
  const client = OpenFeature.getClient();
  const acme = (more: object = {}) => ({ targetingKey: "acme", ...more });
  const entitlement = (await client.getObjectValue("seats", {}, acme({ valueAs: "object" }))) as {
    metered?: { currentUsage: number };
  };
  expect({
    sso: await client.getBooleanValue("sso", false, acme()),
    seats: await client.getBooleanValue("seats", false, acme({ requestedUsage: 7 })),
    tooManySeats: await client.getBooleanValue("seats", true, acme({ requestedUsage: 8 })),
    retention: await client.getNumberValue("retention-days", 1, acme()),
    regions: await client.getStringValue("regions", "", acme()),
    usage: entitlement.metered?.currentUsage,
    reason: (await client.getBooleanDetails("white-label", true, acme())).flagMetadata["accessDeniedReason"],
  }).toEqual(ANSWERS);
  expect(await client.getBooleanDetails("nothing", true, acme())).toMatchObject({
    value: true,
    errorCode: "FLAG_NOT_FOUND",
  });
  expect(await client.getBooleanDetails("sso", true, {})).toMatchObject({
    value: true,
    errorCode: "TARGETING_KEY_MISSING",
  });
});

itWith(python)("and so is its client for Python", async () => {
  const interpreter = await pythonEnvironment(PYTHON, python ?? "");
  const stdout = await runCommand(interpreter, [`${PYTHON}client.py`, `http://${await sidecarForClient()}`]);
  expect(JSON.parse(stdout)).toEqual({
    ...ANSWERS,
    unknown: "FLAG_NOT_FOUND",
    nobody: "TARGETING_KEY_MISSING",
  });
});
