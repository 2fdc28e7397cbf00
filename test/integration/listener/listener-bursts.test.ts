import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "@jest/globals";
import { startListening } from "./listening.js";

/** What the kernel lets wait at the most. */
const MOST_WAITING = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
/** More than Node lets wait unless it is asked to, 511. */
const BURST = Math.min(800, MOST_WAITING);
const GIVES_UP_AFTER_MS = 10_000;

/** Connects all at once, and prints how many were; it gives up after a while. */
const CLIENTS = `
  const { connect } = require("node:net");
  const [port, count, patience] = process.argv.slice(1).map(Number);
  let connected = 0;
  const end = () => { console.log(connected); process.exit(); };
  setTimeout(end, patience);
  for (let i = 0; i < count; i++) connect(port, "127.0.0.1").once("connect", () => { if (++connected === count) end(); }).on("error", () => {});
`;

it(`${BURST} callers connect while the event loop is busy with something else`, async () => {
  const { port } = await startListening();
  // This process accepts nothing until the other has ended.
  const { stdout } = spawnSync(
    process.execPath,
    ["-e", CLIENTS, String(port), String(BURST), String(GIVES_UP_AFTER_MS)],
    { encoding: "utf8" },
  );
  expect(Number(stdout)).toBe(BURST);
});
