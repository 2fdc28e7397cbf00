import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { RecentChange } from "../../recent-changes.js";
import type { RecentDenial } from "../../recent-denials.js";
import { ChangesPanel, DenialsPanel } from "./activity.js";
import { ask, askText } from "./ask.js";
import { CallRatesPanel, NO_RATES, ratesSince, samplesOf } from "./call-rates.js";
import { CustomerPanel } from "./customer.js";
import { everySecond, messageOf } from "./every-second.js";
import { DependenciesPanel, Headline, OutboxPanel, type Status, StatusPanel } from "./status.js";

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
