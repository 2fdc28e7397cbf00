import type { Benchmark } from "../benchmark.js";
import type { CallForm } from "../load/load-job.js";
import { interleaved } from "../rounds.js";
import { Throughput } from "../throughput.js";
import { CATALOG_CUSTOMERS } from "../world/catalog.js";
import { CHECKS } from "./cached-checks.js";

const IN_FLIGHT = { connections: 10, streams: 10 };

/** The same checks in every form, with what each has to reach of the plain one. */
const FORMS: readonly { readonly form: CallForm; readonly what: string; readonly ofPlain: number }[] = [
  { form: "grpc-gzip", what: "gzipped gRPC", ofPlain: 0.3 },
  { form: "connect-proto", what: "Connect, binary, over HTTP/2", ofPlain: 0.3 },
  { form: "grpc-web", what: "gRPC-web over HTTP/2", ofPlain: 0.3 },
  { form: "connect-json", what: "Connect, JSON, over HTTP/2", ofPlain: 0.2 },
];

const REPORTS = [
  { call: "usage", what: "ReportUsage, catalog in memory", ofPlain: 0.1 },
  { call: "event", what: "ReportEvents, catalog in memory", ofPlain: 0.1 },
] as const;

const OF_WITHOUT_ACCESS = 0.95;

/** Every way to a method, as a share of the plain cached check in the same round. */
export const PATHS: Benchmark = {
  name: "paths",
  title: `Every path of the port, ${IN_FLIGHT.connections} connections with ${IN_FLIGHT.streams} in flight, as shares of the plain cached check`,
  async measure(lab) {
    const { rounds, customers } = lab.pace;
    const [sidecar, guarded, catalog] = [await lab.sidecar(), await lab.guardedSidecar(), await lab.catalogSidecar()];
    const throughput = new Throughput<CallForm | "authorized" | "usage" | "event">(lab);
    const checks = {
      protocol: "grpc",
      ...IN_FLIGHT,
      calls: CHECKS,
      keys: "zipf",
      customers,
      areAnswersDecoded: true,
    } as const;
    await interleaved(rounds, [
      throughput.turn("grpc", sidecar, checks),
      throughput.turn("authorized", guarded.server, { ...checks, authorization: guarded.authorization }),
      ...FORMS.map(({ form }) =>
        throughput.turn(form, sidecar, { ...checks, form, areAnswersDecoded: form !== "connect-json" }),
      ),
      ...REPORTS.map(({ call }) =>
        throughput.turn(call, catalog, { ...checks, calls: [call], customers: CATALOG_CUSTOMERS }),
      ),
    ]);
    return [
      throughput.rate("grpc", "plain gRPC"),
      throughput.rate("authorized", "plain gRPC with a bearer token (AUTH_TOKENS_FILE)"),
      throughput.ratio("authorized", "grpc", "… of plain gRPC without", OF_WITHOUT_ACCESS),
      ...[
        ...FORMS.map(({ form, ...row }) => ({ name: form, ...row })),
        ...REPORTS.map(({ call, ...row }) => ({ name: call, ...row })),
      ].flatMap(({ name, what, ofPlain }) => [
        throughput.rate(name, what),
        throughput.ratio(name, "grpc", "… of plain gRPC", ofPlain),
      ]),
      throughput.generatorRow,
    ];
  },
};
