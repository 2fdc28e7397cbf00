import { X509Certificate } from "node:crypto";

/** Reads one variable. What does not fit is a value too, so that all faults can be told at once. */
export interface Parser<T> {
  /** What is allowed, as a noun phrase: "an integer from 0 to 65535". */
  readonly allowed: string;
  /** @param text never empty */
  parse(text: string): Parsed<T>;
}

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly hint?: string };

const REFUSED = { ok: false } as const;

export const boolean: Parser<boolean> = {
  allowed: "true, false, 1, 0, yes or no",
  parse(text) {
    const value = BOOLEANS.get(text.toLowerCase());
    return value === undefined ? REFUSED : { ok: true, value };
  },
};

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["yes", true],
  ["false", false],
  ["0", false],
  ["no", false],
]);

export function integer(range: {
  readonly min: number;
  readonly max?: number;
  readonly unit?: string;
}): Parser<number> {
  const { min, max = Number.MAX_SAFE_INTEGER, unit } = range;
  const bounds = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
  const units = unit === undefined ? undefined : UNITS[unit];
  const withUnits = units === undefined ? "" : `, or with a unit: ${units.example}`;
  return {
    allowed: `an integer ${bounds}${unit === undefined ? "" : ` (${unit}${withUnits})`}`,
    parse(text) {
      const value = /^[+-]?\d+$/.test(text) ? Number(text) : amountIn(units?.factors, text);
      return Number.isSafeInteger(value) && value >= min && value <= max ? { ok: true, value } : REFUSED;
    },
  };
}

interface Units {
  readonly example: string;
  readonly factors: ReadonlyMap<string, number>;
}

const MS = [
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
] as const;

/** What may be written behind an amount, by the unit that it has without. */
const UNITS: Readonly<Partial<Record<string, Units>>> = {
  milliseconds: { example: "500ms, 10s, 5m, 1h", factors: new Map(MS) },
  bytes: {
    example: "512kB, 64MB, 1GB, 1GiB",
    factors: new Map([
      ["b", 1],
      ["kb", 1e3],
      ["mb", 1e6],
      ["gb", 1e9],
      ["kib", 2 ** 10],
      ["mib", 2 ** 20],
      ["gib", 2 ** 30],
      // As Kubernetes writes them.
      ["ki", 2 ** 10],
      ["mi", 2 ** 20],
      ["gi", 2 ** 30],
    ]),
  },
};

/** NaN where it is not an amount with one of the units. */
function amountIn(factors: ReadonlyMap<string, number> | undefined, text: string): number {
  const [, amount, unit = ""] = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(text) ?? [];
  const factor = factors?.get(unit.toLowerCase());
  return amount === undefined || factor === undefined ? NaN : Math.round(Number(amount) * factor * 1e6) / 1e6;
}

/** Seconds that something lives; negative: for ever. */
export const timeToLive: Parser<number> = {
  allowed: "an integer of seconds above 0, or a negative one for no expiry",
  parse(text) {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    return Number.isSafeInteger(value) && value !== 0 ? { ok: true, value } : REFUSED;
  },
};

/** @param min 0 where the system may choose a free port, else 1 */
export function port(min: 0 | 1): Parser<number> {
  const number = integer({ min, max: 65_535 });
  return {
    allowed: min === 0 ? `${number.allowed}; 0 takes any free port` : number.allowed,
    parse(text) {
      if (!/^(?:tcp|udp|sctp):\/\//i.test(text)) return number.parse(text);
      return {
        ok: false,
        hint: "Kubernetes sets this for a Service of that name: set it to a number in the pod, or stop that by enableServiceLinks: false",
      };
    },
  };
}

export function url(...protocols: readonly string[]): Parser<string> {
  const examples = protocols.map((protocol) => `${protocol}://`);
  return {
    allowed: `a URL that begins with ${examples.join(" or ")}`,
    parse(text) {
      const isAllowed = URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1));
      return isAllowed ? { ok: true, value: text.replace(/\/+$/, "") } : REFUSED;
    },
  };
}

/** A URL that paths are appended to. */
export function baseUrl(...protocols: readonly string[]): Parser<string> {
  const parser = url(...protocols);
  return {
    allowed: `${parser.allowed}, without query or fragment`,
    parse: (text) => (/[?#]/.test(text) ? REFUSED : parser.parse(text)),
  };
}

export function oneOf<T extends string>(values: readonly T[]): Parser<T> {
  return {
    allowed: `one of ${values.join(", ")}`,
    parse(text) {
      const value = values.find((candidate) => candidate === text.toLowerCase());
      return value === undefined ? REFUSED : { ok: true, value };
    },
  };
}

/** Text as it is, without control characters. */
export const text: Parser<string> = {
  allowed: "text without control characters",
  parse: (value) => (/\p{Cc}/u.test(value) ? REFUSED : { ok: true, value }),
};

/** What may stand in an HTTP header: a key is sent in one. */
export const visibleCharacters: Parser<string> = {
  allowed: "visible ASCII characters without spaces",
  parse: (value) => (/^[\x21-\x7e]+$/.test(value) ? { ok: true, value } : REFUSED),
};

export const urlPath: Parser<string> = {
  allowed: 'a path such as "livez" or "/health/live", without query or fragment',
  parse(value) {
    return /^[\w.~!$&'()*+,;=:@%/-]+$/.test(value) && !/^\/*$/.test(value) && !value.includes("//")
      ? { ok: true, value: value.replace(/^\/+/, "") }
      : REFUSED;
  },
};

/** A path in the file system; whether something is there is found out when it is opened. */
export const filePath: Parser<string> = { ...text, allowed: "the path of a file" };

/** Certificates in PEM. What sets variables for containers often cannot write a line break. */
export const certificates: Parser<string> = {
  allowed: "certificates in PEM, with BEGIN CERTIFICATE",
  parse(value) {
    const pem = value.replaceAll("\\n", "\n");
    try {
      for (const one of pem.match(PEM_CERTIFICATE) ?? [""]) new X509Certificate(one);
      return { ok: true, value: pem };
    } catch {
      return REFUSED;
    }
  },
};

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** @param defaultPort where an entry names none */
export function hostAndPorts(defaultPort: number): Parser<readonly HostAndPort[]> {
  return {
    allowed: `hosts as host:port, separated by commas (without a port: ${defaultPort})`,
    parse(list) {
      const entries = list.split(",").map((entry) => parseHostAndPort(entry.trim(), defaultPort));
      const known = entries.filter((entry) => entry !== undefined);
      if (known.length < entries.length) return REFUSED;
      const twice = known.find((entry, index) => known.findIndex((other) => isSameEndpoint(entry, other)) < index);
      return twice === undefined
        ? { ok: true, value: known }
        : { ok: false, hint: `${endpointText(twice)} is given more than once; keep one of them` };
    },
  };
}

/** Names of hosts are the same in any case (RFC 4343). */
function isSameEndpoint(one: HostAndPort, other: HostAndPort): boolean {
  return one.port === other.port && one.host.toLowerCase() === other.host.toLowerCase();
}

function endpointText({ host, port }: HostAndPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An IPv6 address that is followed by a port stands in brackets. */
function parseHostAndPort(entry: string, defaultPort: number): HostAndPort | undefined {
  const match = /^(?:\[([\da-f:.%]+)\]|([^\s:[\]/@]+))(?::(\d{1,5}))?$/i.exec(entry);
  const host = match?.[1] ?? match?.[2] ?? (/^[\da-f]*:[\da-f:.]*$/i.test(entry) ? entry : undefined);
  const port = Number(match?.[3] ?? defaultPort);
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined;
}
