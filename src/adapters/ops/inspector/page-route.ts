import type { InspectorPage } from "../gen/inspector-pages.js";
import type { OpsRoute } from "../ops-server.js";

/** Serves a page that may run its own script and style, ask the port that it came from, and nothing else. */
export function pageRoute({ html, scriptDigest, styleDigest }: InspectorPage): OpsRoute {
  const policy = [
    "default-src 'none'",
    `script-src '${scriptDigest}'`,
    `style-src '${styleDigest}'`,
    "connect-src 'self'",
    "img-src data:",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join("; ");
  return () => ({
    status: 200,
    contentType: "text/html; charset=utf-8",
    body: html,
    headers: { "content-security-policy": policy, "referrer-policy": "no-referrer" },
  });
}
