/**
 * Embedded stores beside the outbox's own log, under the outbox's own load: groups of 20 records of 200 bytes, each group safe
 * before the next. `npm i --no-save better-sqlite3 lmdb classic-level` first; what is not installed is left out, and said.
 */
import {
  closeSync,
  fdatasync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const GROUP = 20;
const RECORD = Buffer.alloc(200, 7);
const [IN_PROCESS, SYNCED, READ] = [10_000, 500, 1_000_000];

const STORES = {
  "own log": {
    open: (directory, isSynced) => {
      const path = join(directory, "log");
      const file = openSync(path, "a+");
      let end = statSync(path).size;
      return {
        append: (records) => {
          const bytes = Buffer.concat(records.flatMap((record) => [frameOf(record), record]));
          writeSync(file, bytes, 0, bytes.length, end);
          end += bytes.length;
          if (isSynced)
            return new Promise((resolve, reject) => fdatasync(file, (error) => (error ? reject(error) : resolve())));
        },
        readAll: () => {
          const bytes = readFileSync(path);
          let count = 0;
          for (let at = 0; at < bytes.length; count++) {
            const length = bytes.readUInt32LE(at);
            if (crc32(bytes.subarray(at + 8, at + 8 + length)) !== bytes.readUInt32LE(at + 4))
              throw new Error("damaged");
            at += 8 + length;
          }
          return count;
        },
        close: () => closeSync(file),
      };
    },
  },
  "better-sqlite3": {
    load: () => import("better-sqlite3"),
    open: (directory, isSynced, { default: Database }) => {
      const database = new Database(join(directory, "db"));
      database.pragma("journal_mode = WAL");
      database.pragma(`synchronous = ${isSynced ? "FULL" : "OFF"}`);
      database.exec("CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, record BLOB)");
      const insert = database.prepare("INSERT INTO records (record) VALUES (?)");
      const all = database.transaction((records) => {
        for (const record of records) insert.run(record);
      });
      return {
        append: (records) => all(records),
        readAll: () => {
          let count = 0;
          for (const row of database.prepare("SELECT record FROM records ORDER BY id").raw().iterate())
            if (row[0].length > 0) count++;
          return count;
        },
        close: () => database.close(),
      };
    },
  },
  lmdb: {
    load: () => import("lmdb"),
    open: (directory, isSynced, { open }) => {
      const database = open({
        path: join(directory, "db"),
        encoding: "binary",
        noSync: !isSynced,
        keyEncoding: "uint32",
      });
      let next = 0;
      for (const key of database.getKeys({ reverse: true, limit: 1 })) next = key + 1;
      return {
        append: async (records) => {
          let last;
          for (const record of records) last = database.put(next++, record);
          await last;
          if (isSynced) await database.flushed;
        },
        readAll: () => {
          let count = 0;
          for (const { value } of database.getRange()) if (value.length > 0) count++;
          return count;
        },
        close: () => database.close(),
      };
    },
  },
  "classic-level": {
    load: () => import("classic-level"),
    open: async (directory, isSynced, { ClassicLevel }) => {
      const database = new ClassicLevel(join(directory, "db"), { keyEncoding: "buffer", valueEncoding: "buffer" });
      await database.open();
      let next = 0;
      for await (const key of database.keys({ reverse: true, limit: 1 })) next = key.readUInt32BE(0) + 1;
      return {
        append: (records) =>
          database.batch(
            records.map((value) => {
              const key = Buffer.alloc(4);
              key.writeUInt32BE(next++);
              return { type: "put", key, value };
            }),
            { sync: isSynced },
          ),
        readAll: async () => {
          const iterator = database.values();
          let count = 0;
          for (let values = await iterator.nextv(1_000); values.length > 0; values = await iterator.nextv(1_000))
            count += values.length;
          await iterator.close();
          return count;
        },
        close: () => database.close(),
      };
    },
  },
};

function frameOf(record) {
  const frame = Buffer.allocUnsafe(8);
  frame.writeUInt32LE(record.length, 0);
  frame.writeUInt32LE(crc32(record), 4);
  return frame;
}

function bytesIn(directory) {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath ?? entry.path, entry.name)).size, 0);
}

const inDirectory = async (work) => {
  const directory = mkdtempSync(join(process.env.OUTBOX_BENCH_DIR ?? tmpdir(), "stores-"));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/** How long one group takes, and how long of that nothing else could run in this process; microseconds. */
async function appending(store, library, isSynced, groups) {
  return inDirectory(async (directory) => {
    const opened = await store.open(directory, isSynced, library);
    const group = Array(GROUP).fill(RECORD);
    for (let i = 0; i < 50; i++) await opened.append(group);
    const [took, held] = [[], []];
    const cpu = process.cpuUsage();
    for (let i = 0; i < groups; i++) {
      const began = performance.now();
      const written = opened.append(group);
      held.push(performance.now() - began);
      await written;
      took.push(performance.now() - began);
    }
    const { user, system } = process.cpuUsage(cpu);
    await opened.close();
    const at = (times, share) => times.sort((a, b) => a - b)[Math.floor(times.length * share)] * 1_000;
    return {
      cpu: (user + system) / groups,
      p50: at(took, 0.5),
      p99: at(took, 0.99),
      held50: at(held, 0.5),
      held99: at(held, 0.99),
    };
  });
}

async function reading(store, library) {
  return inDirectory(async (directory) => {
    let opened = await store.open(directory, false, library);
    const group = Array(1_000).fill(RECORD);
    for (let i = 0; i < READ / 1_000; i++) await opened.append(group);
    await opened.close();
    const began = performance.now();
    opened = await store.open(directory, false, library);
    const count = await opened.readAll();
    const ms = performance.now() - began;
    if (count !== READ) throw new Error(`${count} records of ${READ}`);
    await opened.close();
    return { ms, bytes: bytesIn(directory) };
  });
}

const line = (...cells) => process.stdout.write(`| ${cells.join(" | ")} |\n`);
line(
  "store",
  "process: CPU a group",
  "p50",
  "p99",
  "power: p50",
  "p99",
  "… holds the event loop, p50",
  "p99",
  "open and read 1,000,000",
  "bytes a record",
);
line(...Array(10).fill("---"));
for (const [name, store] of Object.entries(STORES)) {
  let library;
  try {
    library = await store.load?.();
  } catch (error) {
    process.stderr.write(`${name} is not installed: ${error.message.split("\n")[0]}\n`);
    continue;
  }
  const [quick, synced, read] = [
    await appending(store, library, false, IN_PROCESS),
    await appending(store, library, true, SYNCED),
    await reading(store, library),
  ];
  const micros = (value) => `${value.toFixed(0)} µs`;
  line(
    name,
    micros(quick.cpu),
    micros(quick.p50),
    micros(quick.p99),
    micros(synced.p50),
    micros(synced.p99),
    micros(synced.held50),
    micros(synced.held99),
    `${(read.ms / 1_000).toFixed(2)} s`,
    (read.bytes / READ).toFixed(0),
  );
}
