import type { Row } from "./benchmark.js";
import type { Lab } from "./lab.js";
import type { LoadJob } from "./load/load-job.js";
import type { MeasuredServer } from "./processes/server.js";
import { Rounds } from "./rounds.js";

/** A load, whoever has to bear it. */
export type Crowd = Omit<LoadJob, "port" | "serverPid" | "shape">;

/** How many answers a second several servers give under the same load, turn by turn. */
export class Throughput<Name extends string> {
  readonly #lab: Lab;
  readonly #perSecond = new Rounds<Name>();
  /** The processor time that a server spends on one answer, microseconds: hardly changed by what else the machine does. */
  readonly #cpuMicros = new Rounds<Name>();
  readonly #seen = new Set<MeasuredServer>();
  #generatorBusy = 0;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  /** @returns one turn of one server, for `interleaved` */
  turn(name: Name, server: MeasuredServer, load: Crowd): () => Promise<void> {
    return async () => {
      await this.measure(name, server, load);
    };
  }

  /** @returns answers a second */
  async measure(name: Name, server: MeasuredServer, load: Crowd): Promise<number> {
    const { firstWarmUpMs, warmUpMs: laterWarmUpMs, measuredMs } = this.#lab.pace;
    const warmUpMs = this.#seen.has(server) ? laterWarmUpMs : firstWarmUpMs;
    this.#seen.add(server);
    const shape = { kind: "closed", warmUpMs, measuredMs } as const;
    const { answers, perSecond, serverCpuSeconds, generatorBusy } = await this.#lab.run({
      ...load,
      port: portOf(server, load.protocol),
      serverPid: server.child.pid,
      shape,
    });
    this.#perSecond.add(name, perSecond);
    this.#cpuMicros.add(name, (serverCpuSeconds * 1e6) / answers);
    this.#generatorBusy = Math.max(this.#generatorBusy, generatorBusy);
    return perSecond;
  }

  rate(name: Name, what: string, note = ""): Row {
    const cpu = `${this.#cpuMicros.median(name).toFixed(1)} µs of processor time each`;
    return {
      what,
      value: this.#perSecond.median(name),
      unit: "per second",
      note: note === "" ? cpu : `${cpu}; ${note}`,
    };
  }

  ratio(name: Name, of: Name, what: string, atLeast: number | undefined): Row {
    const note = `by processor time ${this.#cpuMicros.ratio(of, name).toFixed(2)} ×`;
    return {
      what,
      value: this.#perSecond.ratio(name, of),
      unit: "x",
      target: atLeast === undefined ? undefined : { atLeast },
      note,
    };
  }

  /** How much more processor time an answer takes than another. */
  cost(name: Name, of: Name, what: string, atMost: number): Row {
    return { what, value: this.#cpuMicros.ratio(name, of), unit: "x", target: { atMost } };
  }

  get generatorRow(): Row {
    return { what: "the load generator used of its core at most", value: this.#generatorBusy, unit: "share" };
  }
}

function portOf({ name, grpcPort, jsonPort }: MeasuredServer, protocol: LoadJob["protocol"]): number {
  if (protocol === "grpc") return grpcPort;
  if (jsonPort === undefined) throw new Error(`${name} answers no JSON`);
  return jsonPort;
}
