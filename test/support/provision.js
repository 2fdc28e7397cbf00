/** Sees to the programs that tests run beside the service: quietly where they are there, by apt where that is allowed. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** By the projects of tests that cannot do without. */
const NEEDED = {
  contract: { "redis-server": "redis-server" },
  service: { "redis-server": "redis-server", curl: "curl", openssl: "openssl" },
};
/** Prometheus's linter, a browser, and the proxies before the service; tests of one that is missing are skipped, and say so. */
const WANTED = {
  service: { promtool: "prometheus", chromium: "chromium" },
  interop: { nginx: "nginx-light", haproxy: "haproxy", nghttpx: "nghttp2-proxy" },
};

/** @param {readonly string[]} projects of tests that are about to run. Ends the process with one line where one of them cannot. */
export function provision(projects) {
  const needed = missingOf(projects, NEEDED);
  const wanted = missingOf(projects, WANTED);
  if (needed.length + wanted.length === 0) return;
  if (mayInstall()) install([...needed, ...wanted]);
  const stillNeeded = missingOf(projects, NEEDED);
  const stillWanted = missingOf(projects, WANTED);
  if (stillNeeded.length > 0) {
    process.stderr.write(
      `the tests need ${stillNeeded.join(" and ")}: install with \`apt-get install ${[...stillNeeded, ...stillWanted].join(" ")}\` or what your system has for it\n`,
    );
    process.exit(1);
  }
  if (stillWanted.length > 0) process.stderr.write(`not tested, since not installed: ${stillWanted.join(", ")}\n`);
}

/** @returns the packages of the programs that are not there */
function missingOf(projects, programsOf) {
  const programs = Object.assign({}, ...projects.map((project) => programsOf[project] ?? {}));
  return Object.keys(programs)
    .filter((program) => !isThere(program))
    .map((program) => programs[program]);
}

function isThere(program) {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function mayInstall() {
  return process.getuid?.() === 0 && isThere("apt-get");
}

/** What comes with a server starts it, but where there is no runlevel to start it in. */
function install(packages) {
  process.stderr.write(`installing ${packages.join(", ")} for the tests\n`);
  const env = { ...process.env, RUNLEVEL: "1", DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => spawnSync("apt-get", args, { env, stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  const updated = apt("update", "-qq");
  const installed = apt("install", "-y", "-qq", "--no-install-recommends", ...packages);
  if (installed.status !== 0)
    process.stderr.write(`apt-get failed: ${`${updated.stderr}${installed.stderr}`.trim().split("\n").at(-1)}\n`);
}
