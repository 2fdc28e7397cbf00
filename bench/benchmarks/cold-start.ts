import type { Benchmark, Row } from "../benchmark.js";
import {
  type ColdStart,
  type ColdStartFigures,
  type ColdStartMode,
  measureColdStart,
  SECONDS,
  startOthers,
} from "../cold-start/measure-cold-start.js";
import type { Lab } from "../lab.js";
import { hasRedis } from "../processes/redis.js";

const KEYS = ["zipf", "uniform"] as const;
const RATES: Readonly<Record<ColdStartMode, readonly number[]>> = {
  redis: [2_500, 5_000, 10_000, 20_000],
  memory: [1_000, 2_500, 5_000],
};
/** Up to so many checks a second none is to be made up, by where states come from. */
const NONE_MADE_UP: Readonly<Record<ColdStartMode, number>> = { redis: 5_000, memory: 2_500 };
const FROM: Readonly<Record<ColdStartMode, string>> = { redis: "Redis", memory: "upstream alone" };
const SMOKE_SECONDS = 1;

/** Checks that come at a steady rate to a sidecar that has just been started. */
export const COLD_START: Benchmark = {
  name: "cold-start",
  title: `The first ${SECONDS} s of a sidecar that has just been started, at a steady rate of checks over gRPC`,
  isExtra: true,
  async measure(lab) {
    if (!hasRedis()) throw new Error("redis-server is not installed");
    return [...(await measureMode(lab, "redis")), ...(await measureMode(lab, "memory"))];
  },
};

async function measureMode(lab: Lab, mode: ColdStartMode): Promise<readonly Row[]> {
  const { customers, isSmoke } = lab.pace;
  const others = await startOthers(mode, customers, lab.node);
  const rates = isSmoke ? RATES[mode].slice(0, 1) : RATES[mode];
  try {
    const rows: Row[] = [];
    for (const perSecond of rates)
      for (const keys of KEYS) {
        const start = { perSecond, keys, seconds: isSmoke ? SMOKE_SECONDS : SECONDS };
        rows.push(...rowsOf(mode, start, await measureColdStart(others, start, customers)));
      }
    return rows;
  } finally {
    await others.stop();
  }
}

function rowsOf(
  mode: ColdStartMode,
  { perSecond, keys, seconds }: ColdStart,
  figures: ColdStartFigures,
): readonly Row[] {
  const { memory, redis, upstream, madeUp, askedUpstream, latency, wellFromSecond } = figures;
  const answered = memory + redis + upstream;
  const well = wellFromSecond === undefined ? "never all well" : `all is well from second ${wellFromSecond}`;
  return [
    {
      what: `${FROM[mode]}, ${perSecond} a second, ${keys}: made up`,
      value: madeUp / (answered + madeUp),
      unit: "share",
      target: perSecond <= NONE_MADE_UP[mode] ? { atMost: 0 } : undefined,
      note: `${well}; upstream was asked ${askedUpstream} times`,
    },
    { what: "… true answers", value: answered / seconds, unit: "per second", note: `${memory} of them cached` },
    {
      what: "… p99",
      value: latency.p99,
      unit: "ms",
      note: `p50 ${latency.p50.toFixed(1)}, longest ${latency.max.toFixed(0)} ms`,
    },
  ];
}
