import { SETTINGS } from "./config/settings.js";
import type { Setting } from "./config/setting.js";

/** Asks the service on this machine whether it lives, as a container's health check: exit code 0 or 1. */
const port = configured(SETTINGS.metricsPort, SETTINGS.metricsPort.defaultText);
const path = configured(SETTINGS.healthEndpointUrl, SETTINGS.healthEndpointUrl.defaultText).replace(/^\/+/, "");
const host = configured(SETTINGS.host, "127.0.0.1");
const url = `http://${host.includes(":") ? `[${host}]` : host}:${port}/${path}`;
try {
  const { ok, status } = await fetch(url, { signal: AbortSignal.timeout(2_000) });
  if (!ok) fail(`answers ${status}`);
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}

function configured({ name }: Setting<unknown>, otherwise: string): string {
  const text = process.env[name]?.trim() ?? "";
  return text === "" ? otherwise : text;
}

function fail(reason: string): void {
  process.stderr.write(`${url}: ${reason}\n`);
  process.exitCode = 1;
}
