import { Facts, number, Panel } from "./parts.js";

/** Of what GET /status answers, the part that the page shows. */
export interface Status {
  readonly version: string;
  readonly startedAt: string;
  readonly isDegraded: boolean;
  readonly degraded: readonly string[];
  readonly service: { readonly source: string };
  readonly updates: { readonly isConnected: boolean };
  readonly cache: {
    readonly subjects: number;
    readonly bytes: number;
    readonly maxBytes: number;
    readonly fresh: number;
    readonly stale: Readonly<Record<string, number>>;
  };
  readonly process: { readonly eventLoopLagMs: { readonly p99: number } };
  readonly dependencies: Readonly<Record<string, Dependency>>;
  readonly outbox?: Readonly<Record<string, unknown>>;
}

interface Dependency {
  readonly state: "up" | "down" | "unknown";
  readonly since?: string;
  readonly lastError?: string;
}

export function Headline({ isDegraded, version, startedAt }: Status) {
  return (
    <>
      <strong id="state" role="status" class={isDegraded ? "bad" : "good"}>
        {isDegraded ? "degraded" : "well"}
      </strong>
      <small>
        {version}, since {startedAt}
      </small>
    </>
  );
}

export function StatusPanel({ degraded, service, cache, updates, process }: Status) {
  const stale = Object.entries(cache.stale).filter(([, count]) => count > 0);
  return (
    <Panel id="status" title="Status">
      {degraded.length > 0 && (
        <ul class="bad">
          {degraded.map((reason) => (
            <li>{reason}</li>
          ))}
        </ul>
      )}
      <Facts
        facts={[
          ["source", service.source],
          [
            "cached",
            `${number.format(cache.subjects)} subjects, ${number.format(cache.bytes)} of ${number.format(cache.maxBytes)} bytes`,
          ],
          [
            "fresh, stale",
            `${number.format(cache.fresh)}, ${stale.map(([reason, count]) => `${reason} ${number.format(count)}`).join(", ") || "none"}`,
          ],
          ["updates", updates.isConnected ? "connected" : "not connected"],
          ["event loop", `${process.eventLoopLagMs.p99} ms late at most in 99 %`],
        ]}
      />
    </Panel>
  );
}

const CLASSES = { up: "good", down: "bad", unknown: undefined } as const;

export function DependenciesPanel({ dependencies }: Status) {
  const named = Object.entries(dependencies);
  return (
    <Panel id="dependencies" title="Dependencies">
      {named.length === 0 ? (
        "none"
      ) : (
        <table>
          <tbody>
            {named.map(([name, { state, since, lastError }]) => (
              <tr>
                <th scope="row">{name}</th>
                <td class={CLASSES[state]}>{state}</td>
                <td>
                  {since} {lastError !== undefined && <small>{lastError}</small>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Panel>
  );
}

export function OutboxPanel({ outbox }: Status) {
  if (outbox === undefined) return null;
  return (
    <Panel id="outbox" title="Outbox">
      <Facts
        facts={Object.entries(outbox).map(([name, value]) => [
          name,
          typeof value === "number" || typeof value === "string" ? value : JSON.stringify(value),
        ])}
      />
    </Panel>
  );
}
