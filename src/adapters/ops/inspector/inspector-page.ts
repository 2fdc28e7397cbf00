/** The page's style: system fonts, dark and light as the reader's system is. */
export const INSPECTOR_STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); --soft: color-mix(in srgb, currentColor 7%, transparent);
  --good: #1a7f37; --bad: #b3261e; --bar: #2f6fdf; }
@media (prefers-color-scheme: dark) { :root { --good: #57c47a; --bad: #ff8a80; --bar: #6ea2ff; } }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; margin: 0 auto; max-width: 70rem; padding: 1rem; }
h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1rem; margin: 0 0 .5rem; }
header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; margin-bottom: 1rem; }
main { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
section { border: 1px solid var(--line); border-radius: .5rem; padding: .9rem; min-width: 0; }
.wide { grid-column: 1 / -1; }
.good { color: var(--good); } .bad { color: var(--bad); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem .8rem; margin: 0; } dt { opacity: .75; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: .25rem .5rem .25rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; } td.number, th.number { text-align: right; }
input { font: inherit; width: 100%; padding: .45rem .6rem; border: 1px solid var(--line); border-radius: .35rem; background: var(--soft); color: inherit; }
progress { width: 100%; height: .6rem; accent-color: var(--bar); } progress.full { accent-color: var(--bad); }
svg { width: 100%; height: 5rem; display: block; } svg path { fill: none; stroke: var(--bar); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
ul { margin: 0; padding-left: 1.1rem; } small { opacity: .75; }
:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
`;

/** The page's script: asks this port each second while it is seen. Text comes into the page as text alone. */
export const INSPECTOR_SCRIPT = `
"use strict";
const at = (id) => document.getElementById(id);
const make = (tag, attributes, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  element.append(...children.filter((child) => child !== undefined).map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))));
  return element;
};
const show = (id, ...children) => at(id).replaceChildren(...children);
const number = new Intl.NumberFormat("en");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
const ask = async (path) => {
  const response = await fetch(path, { headers: token ? { authorization: "Bearer " + token } : {} });
  if (!response.ok && response.status !== 503) throw new Error((await response.json().catch(() => ({}))).error || "HTTP " + response.status);
  return response;
};
const facts = (pairs) => make("dl", {}, ...pairs.filter(([, value]) => value !== undefined).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));
const verdict = (hasAccess) => make("strong", { class: hasAccess ? "good" : "bad" }, hasAccess ? "granted" : "denied");

const samplesOf = (text) => {
  const samples = [];
  for (const line of text.split("\\n")) {
    const match = /^([a-z_]+)(?:\\{(.*)\\})? (\\S+)$/.exec(line);
    if (match) samples.push({ name: match[1], labels: match[2] || "", value: Number(match[3]) });
  }
  return samples;
};
const sum = (samples, name, has) => samples.filter((sample) => sample.name === name && (!has || sample.labels.includes(has))).reduce((total, { value }) => total + value, 0);
const quantile = (before, now, share) => {
  const counts = new Map();
  const add = (samples, sign) => {
    for (const { name, labels, value } of samples) {
      if (name !== "sidecar_request_duration_seconds_bucket") continue;
      const bound = Number(/le="([^"]*)"/.exec(labels)[1].replace("+Inf", "Infinity"));
      counts.set(bound, (counts.get(bound) || 0) + sign * value);
    }
  };
  add(now, 1);
  add(before, -1);
  const bounds = [...counts.keys()].sort((a, b) => a - b);
  const total = counts.get(Infinity) || 0;
  if (total === 0) return undefined;
  return bounds.find((bound) => counts.get(bound) >= share * total);
};

let last;
const rates = [];
const showRates = (samples) => {
  const now = performance.now();
  const calls = sum(samples, "sidecar_requests_total");
  if (last) {
    const seconds = (now - last.now) / 1000;
    const rate = Math.max(0, (calls - last.calls) / seconds);
    rates.push(rate);
    if (rates.length > 120) rates.shift();
    const highest = Math.max(1, ...rates);
    const line = rates.map((each, index) => (index ? "L" : "M") + ((index * 300) / 119).toFixed(1) + " " + (60 - (each / highest) * 56).toFixed(1)).join(" ");
    at("line").setAttribute("d", line);
    at("chart").setAttribute("aria-label", "Calls a second over the last two minutes, now " + number.format(Math.round(rate)) + ", at most " + number.format(Math.round(highest)));
    const ms = (value) => (value === undefined ? "no calls" : value === Infinity ? "above 5 s" : "up to " + value * 1000 + " ms");
    const share = (name, has) => number.format(Math.round((sum(samples, name, has) - sum(last.samples, name, has)) / seconds));
    show("rates", facts([
      ["calls a second", number.format(Math.round(rate))],
      ["denied", share("sidecar_decisions_total", 'outcome="denied"') + " a second"],
      ["fallbacks", share("sidecar_fallbacks_total") + " a second"],
      ["median, 99 %", ms(quantile(last.samples, samples, 0.5)) + ", " + ms(quantile(last.samples, samples, 0.99))],
    ]));
  }
  last = { now, calls, samples };
};

const showStatus = (status) => {
  at("state").textContent = status.isDegraded ? "degraded" : "well";
  at("state").className = status.isDegraded ? "bad" : "good";
  at("version").textContent = status.version + ", since " + status.startedAt;
  const { cache, service, process } = status;
  const stale = Object.entries(cache.stale).filter(([, count]) => count > 0).map(([reason, count]) => reason + " " + number.format(count)).join(", ");
  show("status",
    ...(status.degraded.length ? [make("ul", { class: "bad" }, ...status.degraded.map((reason) => make("li", {}, reason)))] : []),
    facts([
      ["source", service.source],
      ["cached", number.format(cache.subjects) + " subjects, " + number.format(cache.bytes) + " of " + number.format(cache.maxBytes) + " bytes"],
      ["fresh, stale", number.format(cache.fresh) + ", " + (stale || "none")],
      ["updates", status.updates.isConnected ? "connected" : "not connected"],
      ["event loop", process.eventLoopLagMs.p99 + " ms late at most in 99 %"],
    ]),
  );
  const dependencies = Object.entries(status.dependencies);
  show("dependencies", dependencies.length === 0 ? "none" : make("table", {}, make("tbody", {}, ...dependencies.map(([name, { state, since, lastError }]) =>
    make("tr", {}, make("th", { scope: "row" }, name), make("td", { class: state === "up" ? "good" : state === "down" ? "bad" : "" }, state), make("td", {}, since || "", lastError ? make("small", {}, " " + lastError) : undefined))))));
  if (status.outbox) show("outbox", make("h2", {}, "Outbox"), facts(Object.entries(status.outbox).map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : value])));
  at("outbox").hidden = !status.outbox;
};

const showDenials = ({ denials }) => {
  show("denials", denials.length === 0 ? "none since the start" : make("table", {},
    make("thead", {}, make("tr", {}, ...["when", "customer", "entitlement", "reason", "used of limit"].map((title) => make("th", { scope: "col" }, title)))),
    make("tbody", {}, ...denials.slice(0, 15).map(({ at: when, customerId, resourceId, id, reason, isFallback, used, limit }) =>
      make("tr", {}, make("td", {}, new Date(when).toISOString().slice(11, 19)), make("td", {}, customerId, resourceId ? " " + resourceId : undefined), make("td", {}, id),
        make("td", {}, reason || "", isFallback ? " (fallback)" : undefined), make("td", {}, used === undefined ? "" : number.format(used) + " of " + number.format(limit || 0)))))));
};

const usageCell = ({ used, limit, isUnlimited, values, id }) => {
  if (values.length > 0) return make("td", {}, values.join(", "));
  if (used === undefined) return make("td", {}, limit === undefined ? "" : number.format(limit));
  if (isUnlimited || limit === undefined) return make("td", {}, number.format(used) + ", unlimited");
  const text = number.format(used) + " of " + number.format(limit);
  return make("td", {}, make("progress", { max: Math.max(limit, used, 1), value: used, class: used >= limit ? "full" : undefined, "aria-label": id + ": " + text + " used" }), make("small", {}, text));
};

const showCustomer = async (id) => {
  const { source, verifiedAt, reason, entitlements, nearest } = await ask("/inspector/customer?id=" + encodeURIComponent(id)).then((response) => response.json());
  const rows = await Promise.all(entitlements.map(async (entitlement) => {
    const kind = entitlement.type === "feature" ? "feature" : "currency";
    const { rules } = await ask("/explain?cachedOnly=1&customer=" + encodeURIComponent(id) + "&" + kind + "=" + encodeURIComponent(entitlement.id)).then((response) => response.json());
    const deciding = rules.find(({ rule, holds }) => !holds) || rules[rules.length - 1];
    const saw = Object.entries(deciding.saw).filter(([, value]) => value !== undefined && value !== null && value !== false).map(([name, value]) => name + " " + (Array.isArray(value) ? value.join(" ") : value));
    const why = (deciding.holds ? "" : "not ") + deciding.rule + (saw.length ? ": " + saw.join(", ") : "");
    return make("tr", {}, make("th", { scope: "row" }, entitlement.name, make("br"), make("small", {}, entitlement.id)), make("td", {}, verdict(entitlement.hasAccess), entitlement.reason ? " " + entitlement.reason : undefined), usageCell(entitlement), make("td", {}, make("small", {}, why)));
  }));
  show("customer",
    make("p", {}, make("strong", {}, id), " from " + source + (verifiedAt === undefined ? "" : ", verified " + Math.max(0, Math.round((Date.now() - verifiedAt) / 1000)) + " s ago") + (reason ? ", " + reason : "")),
    ...(nearest.length > 0 ? [make("p", {}, "Did you mean " + nearest.join(", ") + "?")] : []),
    ...(rows.length === 0 ? [] : [make("table", {}, make("thead", {}, make("tr", {}, ...["entitlement", "access", "usage of limit", "why"].map((title) => make("th", { scope: "col" }, title)))), make("tbody", {}, ...rows))]),
  );
};

at("search").addEventListener("input", async (event) => {
  const { customers } = await ask("/inspector/customers?q=" + encodeURIComponent(event.target.value)).then((response) => response.json());
  show("found", ...customers.map((id) => make("option", { value: id })));
  if (customers.includes(event.target.value)) await showCustomer(event.target.value).catch(failed);
});
at("find").addEventListener("submit", (event) => {
  event.preventDefault();
  if (at("search").value) showCustomer(at("search").value).catch(failed);
});

const failed = (error) => { at("problem").textContent = String(error.message || error); };
const look = async () => {
  try {
    if (document.visibilityState === "visible") {
      const [status, metrics, denials] = await Promise.all([ask("/status").then((r) => r.json()), ask("/metrics").then((r) => r.text()), ask("/decisions").then((r) => r.json())]);
      showStatus(status);
      showRates(samplesOf(metrics));
      showDenials(denials);
      at("problem").textContent = "";
    }
  } catch (error) {
    failed(error);
  }
  setTimeout(look, 1000);
};
look();
const asked = new URLSearchParams(location.search).get("customer");
if (asked) { at("search").value = asked; showCustomer(asked).catch(failed); }
`;

export const INSPECTOR_HTML = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>entitlement-sidecar</title><link rel="icon" href="data:,"><style>${INSPECTOR_STYLE}</style></head>
<body>
<header><h1>entitlement-sidecar</h1><strong id="state" role="status">loading</strong><small id="version"></small></header>
<p id="problem" class="bad" role="alert"></p>
<main>
<section aria-labelledby="h-status"><h2 id="h-status">Status</h2><div id="status"></div></section>
<section aria-labelledby="h-rates"><h2 id="h-rates">Calls</h2><svg id="chart" role="img" viewBox="0 0 300 64" preserveAspectRatio="none"><path id="line" d=""></path></svg><div id="rates"></div></section>
<section class="wide" aria-labelledby="h-customer"><h2 id="h-customer">Customer</h2><form id="find" role="search"><label>Id <input id="search" list="found" autocomplete="off" spellcheck="false"></label><datalist id="found"></datalist></form><div id="customer" aria-live="polite"></div></section>
<section class="wide" aria-labelledby="h-denials"><h2 id="h-denials">Recent denials</h2><div id="denials"></div></section>
<section aria-labelledby="h-dependencies"><h2 id="h-dependencies">Dependencies</h2><div id="dependencies"></div></section>
<section id="outbox" hidden></section>
</main>
<script>${INSPECTOR_SCRIPT}</script>
</body>
</html>
`;
