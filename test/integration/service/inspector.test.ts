import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { INSPECTOR_PAGE } from "../../../src/adapters/ops/gen/inspector-pages.js";
import { itInChromium, pageSeen } from "../../support/chromium.js";
import { ServiceProcess } from "./service-process.js";

describe("the inspector of npm start", () => {
  let service: ServiceProcess;
  let page: string;
  let profile: string;
  beforeAll(async () => {
    profile = await mkdtemp(join(tmpdir(), "inspector-"));
    const settings = parseEnv(readFileSync(new URL("../../../examples/start.env", import.meta.url), "utf8")) as Record<
      string,
      string
    >;
    service = new ServiceProcess(["serve"], {
      ...settings,
      GRPC_PORT: "0",
      METRICS_PORT: "0",
      SHUTDOWN_LINGER_MS: "0",
      HOME: profile,
    });
    [, page = ""] = await service.printed(/inspect {2}(\S+)/);
    const [, address = ""] = await service.printed(/address {2}(\S+)/);
    const post = (method: string, body: object) =>
      fetch(`${address}/stigg.sidecar.v1.SidecarService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    await post("GetEntitlement", { customerId: "customer-demo", featureId: "no-such-feature" });
    await post("ReportUsage", { customerId: "hobbyist", featureId: "api-calls", value: 1 });
  });
  afterAll(async () => {
    service.child.kill("SIGTERM");
    await service.ended;
    await rm(profile, { recursive: true, force: true });
  });

  itInChromium(
    "in Chromium (skipped where there is none) shows status, rates, a customer with bars and reasons, denials, and changes",
    async () => {
      const dom = await pageSeen(`${page}?customer=customer-demo`);
      expect(dom).toMatch(/<strong id="state" role="status" class="good">well<\/strong>/);
      expect(dom).toMatch(/calls a second<\/dt><dd>\d/);
      expect(dom).toContain('<progress max="10" aria-label="seats: 7 of 10 used" value="7"></progress>');
      expect(dom).toMatch(/<small>limit: limit 10, hasSoftLimit true, used 7, requested 0<\/small>/);
      expect(dom).toMatch(/no-such-feature<\/td><td>NoFeatureEntitlementInSubscription/);
      expect(dom).toMatch(/<td>usage-updated<\/td><td>hobbyist<\/td><td>api-calls<\/td>/);
      expect(dom).toMatch(/catalog_file<\/th><td class="good">up/);
      expect(dom).toMatch(/<p id="problem" class="bad" role="alert"><\/p>/);
    },
  );

  itInChromium("takes what others named for text, and names the ids that are like one that is not known", async () => {
    const dom = await pageSeen(`${page}?customer=${encodeURIComponent("<img src=x onerror=alert(1)>")}`);
    expect(dom).toContain("<strong>&lt;img src=x onerror=alert(1)&gt;</strong>");
    expect(await pageSeen(`${page}?customer=customer-dem`)).toContain("Did you mean customer-demo");
  });

  it("asks nobody else: its policy allows its own script, and requests to its own port alone", async () => {
    const policy = (await fetch(page)).headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; /,
    );
    const namespaces = /http:\/\/www\.w3\.org\/[\w/]+/g;
    expect(INSPECTOR_PAGE.html.replace(namespaces, "")).not.toMatch(/https?:\/\//);
  });

  it("tells of customers to this machine alone", async () => {
    const base = new URL(page).origin;
    for (const path of ["/inspector/customers?q=c", "/inspector/customer?id=customer-demo", "/decisions"]) {
      expect([path, (await fetch(`${base}${path}`)).status]).toEqual([path, 200]);
      expect([path, (await fetch(`${base}${path}`, { headers: { "x-forwarded-for": "10.0.0.1" } })).status]).toEqual([
        path,
        401,
      ]);
    }
  });
});
