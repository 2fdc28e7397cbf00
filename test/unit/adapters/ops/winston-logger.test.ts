import { Writable } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { type LoggerOptions, WinstonLogger } from "../../../../src/adapters/ops/winston-logger.js";
import { CodedError } from "../../../../src/domain/errors.js";
import type { Logger } from "../../../../src/ports/logger.js";

const SECRET = 'k3y/with "quotes"+and\\more';

async function linesOf(write: (logger: Logger) => void, options: Partial<LoggerOptions> = {}): Promise<string[]> {
  const chunks: string[] = [];
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk.toString());
      done();
    },
  });
  const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), elapsed: () => 0, after: () => () => {} };
  write(
    new WinstonLogger({
      level: "debug",
      messageKey: "msg",
      errorKey: "err",
      secrets: [SECRET],
      output,
      clock,
      ...options,
    }),
  );
  await new Promise(setImmediate);
  return chunks.join("").split("\n").slice(0, -1);
}

async function recordOf(write: (logger: Logger) => void, options: Partial<LoggerOptions> = {}) {
  const lines = await linesOf(write, options);
  expect(lines).toHaveLength(1);
  return JSON.parse(lines[0]!);
}

describe("a log line", () => {
  it("is JSON with time, level, message and fields", async () => {
    expect(await recordOf((logger) => logger.warn("slow", { customerId: "c", ms: 3 }))).toEqual({
      timestamp: "2026-01-02T03:04:05.006Z",
      level: "warn",
      msg: "slow",
      customerId: "c",
      ms: 3,
    });
  });

  it("uses the configured keys for the message and the error", async () => {
    const record = await recordOf((logger) => logger.error("m", { error: new Error("e") }), {
      messageKey: "message",
      errorKey: "exception",
    });
    expect(record).toMatchObject({ message: "m", exception: { message: "e" } });
  });

  it("shows an error with its name, stack, code and cause", async () => {
    const error = Object.assign(
      new TypeError("outer", { cause: Object.assign(new Error("inner"), { code: "ECONNREFUSED", port: 1 }) }),
      { code: "X" },
    );
    const { err } = await recordOf((logger) => logger.error("m", { error }));
    expect(err).toMatchObject({
      name: "TypeError",
      message: "outer",
      code: "X",
      cause: { message: "inner", code: "ECONNREFUSED", port: 1 },
    });
    expect(err.stack).toBe(error.stack);
  });

  const refused = () => Object.assign(new Error("connect"), { code: "ECONNREFUSED", errno: -111, syscall: "connect" });

  it.each<[what: string, error: () => Error]>([
    ["a failure with a code", () => new CodedError("unavailable", "Edge cannot be reached")],
    ["what the system says", refused],
    ["the causes of a failure with a code", () => new CodedError("unavailable", "m", { cause: refused() })],
    [
      "other causes of it",
      () => new CodedError("internal", "m", { cause: new Error("no JSON", { cause: new Error("x") }) }),
    ],
    [
      "several causes of it",
      () => new CodedError("unavailable", "m", { cause: new AggregateError([refused(), new Error("x")]) }),
    ],
  ])("has no stack of what was foreseen: %s", async (_, error) => {
    const [line] = await linesOf((logger) => logger.warn("lost", { error: error() }));
    expect(line).not.toContain('"stack"');
  });

  it("has the stack of a fault of this program, also where it is the cause of a failure with a code", async () => {
    const cause = new TypeError("undefined is not a function");
    const { err } = await recordOf((logger) =>
      logger.error("m", { error: new CodedError("internal", "m", { cause }) }),
    );
    expect(err.stack).toBeUndefined();
    expect(err.cause.stack).toBe(cause.stack);
  });

  it("shows every failure of an aggregate", async () => {
    const { err } = await recordOf((logger) =>
      logger.error("m", { error: new AggregateError([new Error("a"), new Error("b")], "all") }),
    );
    expect(err.errors.map(({ message }: Error) => message)).toEqual(["a", "b"]);
  });

  it("stays one line, whatever the message holds", async () => {
    expect(await linesOf((logger) => logger.info("a\nb\u2028c", { f: "\r\n" }))).toHaveLength(1);
  });

  it("keeps a field that has the name of a key of every line", async () => {
    expect(await recordOf((logger) => logger.info("m", { level: 9, msg: "field" }))).toMatchObject({
      level: "info",
      msg: "m",
      level_: 9,
      msg_: "field",
    });
  });

  it.each<[what: string, value: unknown, shown: unknown]>([
    ["a bigint", 10n, "10"],
    ["not a number", NaN, "NaN"],
    ["a map", new Map([["a", 1]]), { a: 1 }],
    ["a set", new Set([1, 2]), [1, 2]],
    ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
    ["an invalid date", new Date(NaN), "[invalid date]"],
    ["bytes", new Uint8Array(3), "[3 bytes]"],
    ["a URL", new URL("http://h/p"), "http://h/p"],
    ["null", null, null],
    [
      "what cannot be read",
      Object.defineProperty({}, "x", {
        enumerable: true,
        get: () => {
          throw new Error("no");
        },
      }),
      "[unreadable]",
    ],
  ])("can show %s", async (_what, value, shown) => {
    expect((await recordOf((logger) => logger.info("m", { value }))).value).toEqual(shown);
  });

  it("marks what refers to itself, and cuts off what is too deep", async () => {
    const loop: Record<string, unknown> = { name: "loop" };
    loop["self"] = loop;
    let deep: unknown = "bottom";
    for (let depth = 0; depth < 50; depth++) deep = { deep };
    const record = await recordOf((logger) => logger.info("m", { loop, deep }));
    expect(record.loop).toEqual({ name: "loop", self: "[circular]" });
    expect(JSON.stringify(record.deep)).toContain("[too deep]");
  });
});

describe("what others made long", () => {
  const LONG = "x".repeat(50_000);

  it.each<[where: string, write: (logger: Logger) => void]>([
    ["the message", (logger) => logger.warn(LONG)],
    ["an id", (logger) => logger.warn("m", { messageId: LONG })],
    ["a name", (logger) => logger.warn("m", { [LONG]: 1 })],
    ["an error's message and stack", (logger) => logger.error("m", { error: new Error(LONG) })],
    ["an error's cause", (logger) => logger.error("m", { error: new CodedError("internal", "m", { cause: LONG }) })],
    ["a URL", (logger) => logger.warn("m", { url: new URL(`http://h/${LONG}`) })],
    ["a list", (logger) => logger.warn("m", { ids: Array.from({ length: 10_000 }, (_, index) => index) })],
    ["an object", (logger) => logger.warn("m", { usages: Object.fromEntries([...Array(5_000).keys()].entries()) })],
    ["a map", (logger) => logger.warn("m", { held: new Map([...Array(5_000).keys()].entries()) })],
  ])("in %s is cut, and it is said how long it was", async (_where, write) => {
    const [line = ""] = await linesOf(write);
    expect(line.length).toBeLessThan(13_000);
    expect(line).toMatch(/… \[\d+ characters\]|\[10000 items\]|\[5000 members\]/);
    expect(() => JSON.parse(line)).not.toThrow();
  });

  it("is cut in all fields together", async () => {
    const fields = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`field${index}`, LONG]));
    const [line = ""] = await linesOf((logger) => logger.warn("m", fields));
    expect(line.length).toBeLessThan(40_000);
  });

  it("is not a message of our own that lists the faults of a file and ends with what holds until then", async () => {
    const faults = Array.from(
      { length: 50 },
      (_, i) => `  /etc/catalog.yaml:${i}:1 plans[${i}]: there is no feature "f${i}"`,
    );
    const message = `${faults.join("\n")}\nThe last good catalog goes on serving.`;
    expect(await recordOf((logger) => logger.error(message))).toMatchObject({ msg: message });
  });

  it("is cut after secrets are hidden, so that no part of one is left", async () => {
    const [line] = await linesOf((logger) =>
      logger.warn("x".repeat(7_995) + SECRET, { id: "x".repeat(1_995) + SECRET }),
    );
    expect(line).not.toContain("k3y");
  });
});

describe("the level", () => {
  it.each([
    ["error", ["error"]],
    ["warn", ["error", "warn"]],
    ["info", ["error", "warn", "info"]],
    ["debug", ["error", "warn", "info", "debug"]],
  ] as const)("%s writes %j", async (level, written) => {
    const lines = await linesOf(
      (logger) => {
        logger.error("m");
        logger.warn("m");
        logger.info("m");
        logger.debug("m");
      },
      { level },
    );
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(written);
  });
});

describe("a secret", () => {
  const places: [where: string, write: (logger: Logger) => void][] = [
    ["the message", (logger) => logger.info(`key ${SECRET}!`)],
    ["a field", (logger) => logger.info("m", { header: `Bearer ${SECRET}` })],
    ["the name of a field", (logger) => logger.info("m", { [SECRET]: 1 })],
    ["a nested field", (logger) => logger.info("m", { a: [{ b: { [SECRET]: SECRET } }] })],
    ["an error's message and stack", (logger) => logger.error("m", { error: new Error(`refused: ${SECRET}`) })],
    ["an error's cause", (logger) => logger.error("m", { error: new Error("x", { cause: new Error(SECRET) }) })],
    [
      "an error's property",
      (logger) => logger.error("m", { error: Object.assign(new Error("x"), { config: { apiKey: SECRET } }) }),
    ],
    ["a thrown text", (logger) => logger.error("m", { error: SECRET })],
    ["a URL", (logger) => logger.info("m", { url: new URL(`http://h/?key=${encodeURIComponent(SECRET)}`) })],
    ["JSON inside a text", (logger) => logger.info(JSON.stringify({ key: SECRET }))],
  ];

  it.each(places)("in %s is hidden", async (_where, write) => {
    const [line] = await linesOf(write);
    expect(line).toContain("[redacted]");
    for (const spelling of ["k3y", "quotes", "more"]) expect(line).not.toContain(spelling);
  });

  it("that begins with another one leaves no remains", async () => {
    const [line] = await linesOf((logger) => logger.info("is abcdef-long-tail"), {
      secrets: ["abcdef", "abcdef-long-tail"],
    });
    expect(line).not.toContain("tail");
  });

  it("of a few letters hides nothing else", async () => {
    const [line] = await linesOf((logger) => logger.info("an ordinary line"), { secrets: ["a", ""] });
    expect(line).toContain("an ordinary line");
  });
});
