import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { RecentChange, RecentDenial } from "../../recent-activity.js";
import { ask, askText, everySecond, messageOf } from "./ask.js";
import { CallRatesPanel, NO_RATES, ratesSince, samplesOf } from "./call-rates.js";
import { CustomerPanel } from "./customer.js";
import { number, Panel, Rows, TimeOfDay } from "./parts.js";
import { DependenciesPanel, Headline, OutboxPanel, type Status, StatusPanel } from "./status.js";

const SHOWN = 15;

/** The latest checks that were denied, and why. */
function DenialsPanel({ denials }: { readonly denials: readonly RecentDenial[] }) {
  return (
    <Panel id="denials" title="Recent denials" isWide>
      <Rows
        titles={["when", "customer", "entitlement", "reason", "used of limit"]}
        items={denials.slice(0, SHOWN)}
        none="none since the start"
        row={({ at, customerId, resourceId, id, reason, isFallback, used, limit }) => (
          <>
            <td>
              <TimeOfDay at={at} />
            </td>
            <td>{subjectText(customerId, resourceId)}</td>
            <td>{id}</td>
            <td>
              {reason}
              {isFallback && " (fallback)"}
            </td>
            <td>{used === undefined ? "" : `${number.format(used)} of ${number.format(limit ?? 0)}`}</td>
          </>
        )}
      />
    </Panel>
  );
}

/** The latest changes that were heard, from upstream or from whoever else writes to Redis. */
function ChangesPanel({ changes }: { readonly changes: readonly RecentChange[] }) {
  return (
    <Panel id="changes" title="Changes" isWide>
      <Rows
        titles={["when", "what", "customer", "entitlement"]}
        items={changes.slice(0, SHOWN)}
        none="none heard since the start"
        row={({ at, type, customerId, resourceId, entitlement }) => (
          <>
            <td>
              <TimeOfDay at={at} />
            </td>
            <td>{type}</td>
            <td>{customerId !== undefined && subjectText(customerId, resourceId)}</td>
            <td>{entitlement}</td>
          </>
        )}
      />
    </Panel>
  );
}

function subjectText(customerId: string, resourceId: string | undefined): string {
  return resourceId === undefined ? customerId : `${customerId} ${resourceId}`;
}

interface Activity {
  readonly denials: readonly RecentDenial[];
  readonly changes: readonly RecentChange[];
}

const asked = new URLSearchParams(location.search).get("customer") ?? "";

function Inspector() {
  const [status, setStatus] = useState<Status>();
  const [rates, setRates] = useState(NO_RATES);
  const [{ denials, changes }, setActivity] = useState<Activity>({ denials: [], changes: [] });
  const [problem, setProblem] = useState("");
  useEffect(
    () =>
      everySecond(async () => {
        const answers = [ask<Status>("/status"), askText("/metrics"), ask<Activity>("/decisions")] as const;
        const [newStatus, metrics, activity] = await Promise.all(answers);
        setStatus(newStatus);
        setRates((before) => ratesSince(before, { at: performance.now(), samples: samplesOf(metrics) }));
        setActivity(activity);
        setProblem("");
      }, setProblem),
    [],
  );
  return (
    <>
      <header>
        <h1>entitlement-sidecar</h1>
        {status === undefined ? <strong role="status">loading</strong> : <Headline {...status} />}
      </header>
      <p id="problem" class="bad" role="alert">
        {problem}
      </p>
      <main>
        {status !== undefined && <StatusPanel {...status} />}
        <CallRatesPanel {...rates} />
        <CustomerPanel first={asked} fail={(error) => setProblem(messageOf(error))} />
        <DenialsPanel denials={denials} />
        <ChangesPanel changes={changes} />
        {status !== undefined && <DependenciesPanel {...status} />}
        {status !== undefined && <OutboxPanel {...status} />}
      </main>
    </>
  );
}

render(<Inspector />, document.body);
