import { createHash } from "node:crypto";
import type { ResolutionContext } from "inversify";
import { dependencySection, iso, ServiceStatus, type StatusSection } from "../../adapters/ops/service-status.js";
import type { Telemetry } from "../../ports/telemetry.js";
import type { SettingInForce } from "../config/read-settings.js";
import { packageVersion } from "../package-version.js";
import type { Foundations } from "./foundations.js";
import { TOKENS } from "./tokens.js";

/** What the sidecar tells of itself. Other parts add a section of theirs to TOKENS.status. */
export function sidecarStatus(
  made: ResolutionContext,
  { source, cache, telemetry, inForce = [], redact }: Foundations,
): ServiceStatus {
  const readiness = made.get(TOKENS.readiness);
  const stream = made.get(TOKENS.streamStatus);
  const decisions = made.get(TOKENS.decisionLines);
  const status = new ServiceStatus({ program: "entitlement-sidecar", version: packageVersion(), redact })
    .add({
      name: "service",
      read: () => ({
        phase: readiness.phase,
        source: source.description,
        cache: cache?.description,
        openConnections:
          made.get(TOKENS.cleartextListener).connections() + (made.get(TOKENS.tlsListener)?.connections() ?? 0),
      }),
      degraded: () => (readiness.isReady ? [] : [`the service is ${readiness.phase}`]),
    })
    .add(dependencySection(telemetry))
    .add(keySection(() => source.apiKey, telemetry))
    .add({
      name: "updates",
      read: () => ({
        isConnected: stream.isConnected,
        lastMessageAt: iso(telemetry.lastStreamMessageAt),
        lostAt: stream.lostAt === -Infinity ? undefined : iso(stream.lostAt),
      }),
    })
    .add({
      name: "cache",
      async read() {
        const { fresh, stale, oldestVerifiedAt } = await made.get(TOKENS.freshnessCensus).count();
        return {
          ...made.get(TOKENS.cache).size,
          fresh,
          stale,
          oldestVerifiedAt: iso(oldestVerifiedAt),
          evictions: telemetry.cacheEvictions,
        };
      },
    })
    .add({ name: "answers", read: () => ({ ...telemetry.answers, stale_in_all: telemetry.staleAnswers }) })
    .add({ name: "reports", read: () => telemetry.reports })
    .add({
      name: "tls",
      read: () => ({ expiresAt: iso(telemetry.tlsExpiresAt) }),
      degraded: () => expiryOf(telemetry.tlsExpiresAt),
    })
    .add(configurationSection(inForce));
  if (decisions !== undefined) {
    status.add(fileSection("decisionLog", decisions, () => ({ written: decisions.written, lost: decisions.lost })));
  }
  return status;
}

/** A file that the service writes beside its work: what is wrong with it now. */
function fileSection(
  name: string,
  of: { readonly file: string | undefined; readonly fault: string | undefined },
  more: () => object = () => ({}),
): StatusSection {
  return {
    name,
    read: () => ({ file: of.file, ...more(), fault: of.fault }),
    degraded: () => (of.fault === undefined ? [] : [of.fault]),
  };
}

/** One instance beside another: the same key has the same fingerprint, and which of them upstream refuses is seen. */
export function keySection(inUse: () => string | undefined, telemetry: Readonly<Telemetry>): StatusSection {
  return {
    name: "apiKey",
    read() {
      const key = inUse();
      if (key === undefined) return { state: "not in use" };
      return {
        state: telemetry.apiKeyState,
        refusals: telemetry.invalidApiKeyErrors,
        fingerprint: createHash("sha256").update(key).digest("hex").slice(0, 8),
      };
    },
    degraded: () =>
      telemetry.apiKeyState === "refused" ? ["upstream refused the API key: correct SERVER_API_KEY"] : [],
  };
}

export function configurationSection(inForce: readonly SettingInForce[]): StatusSection {
  return {
    name: "configuration",
    isPrivate: true,
    read: () => Object.fromEntries(inForce.map(({ name, ...rest }) => [name, rest])),
  };
}

function expiryOf(expiresAt: number): readonly string[] {
  return expiresAt !== 0 && expiresAt <= Date.now() ? ["the TLS certificate has expired"] : [];
}
