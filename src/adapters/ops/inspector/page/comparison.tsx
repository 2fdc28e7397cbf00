import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ComparisonSummary } from "../../../../domain/comparison/comparison-report.js";
import { ask, everySecond } from "./ask.js";
import { Facts, number, Panel, Rows } from "./parts.js";

function Comparison() {
  const [report, setReport] = useState<ComparisonSummary>();
  const [problem, setProblem] = useState("");
  useEffect(
    () =>
      everySecond(async () => {
        setReport(await ask<ComparisonSummary>("/comparison"));
        setProblem("");
      }, setProblem),
    [],
  );
  return (
    <>
      <header>
        <h1>entitlement-sidecar shadow</h1>
        {report !== undefined && <Verdict {...report} />}
      </header>
      <p id="problem" class="bad" role="alert">
        {problem}
      </p>
      {report !== undefined && <Differences {...report} />}
    </>
  );
}

function Verdict({ compared, different }: ComparisonSummary) {
  const [text, kind] =
    compared === 0
      ? ["nothing compared yet", undefined]
      : different === 0
        ? ["no lasting difference", "good"]
        : [`${number.format(different)} different`, "bad"];
  return (
    <strong id="state" role="status" class={kind}>
      {text}
    </strong>
  );
}

function Differences({ compared, same, passing, different, skipped, classes }: ComparisonSummary) {
  return (
    <main>
      <Panel id="counts" title="Answers" isWide>
        <Facts
          facts={[
            ["compared", number.format(compared)],
            ["the same", number.format(same)],
            ["different for a while", number.format(passing)],
            ["different", number.format(different)],
            ["not compared", number.format(skipped)],
          ]}
        />
      </Panel>
      {Object.entries(classes).map(([name, { answers, examples }]) => (
        <Panel id={`class-${name}`} title={`${name}: ${number.format(answers)}`} isWide>
          <Rows
            titles={["asked", "of", "field", "incumbent", "candidate"]}
            items={examples}
            none=""
            row={({ method, request, item, field, incumbent, candidate }) => (
              <>
                <td>
                  {method} <small>{request}</small>
                </td>
                <td>{item}</td>
                <td>{field}</td>
                <td>{valueText(incumbent)}</td>
                <td>{valueText(candidate)}</td>
              </>
            )}
          />
        </Panel>
      ))}
    </main>
  );
}

function valueText(value: string | number | boolean | undefined): string {
  return value === undefined ? "-" : JSON.stringify(value);
}

render(<Comparison />, document.body);
