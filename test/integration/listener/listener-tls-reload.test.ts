import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect as http2Connect } from "node:http2";
import { basename, join } from "node:path";
import { connect as tlsConnect } from "node:tls";
import { afterAll, describe, expect, it } from "@jest/globals";
import { FollowTlsFiles } from "../../../src/adapters/rpc/listener/tls-material.js";
import { type Certificate, Certificates } from "./certificates.js";
import { getAndClose, RecordingLogger, startListening } from "./listening.js";

const certificates = new Certificates();
afterAll(() => certificates.remove());
const first = certificates.selfSigned();
const second = certificates.selfSigned();
const third = certificates.selfSigned();

const RELOADED = "TLS certificate reloaded";
const REFUSED = "the new TLS files cannot serve: the last good certificate stays in use";

function newDirectory(): string {
  return mkdtempSync(join(certificates.directory, "files-"));
}

function put(directory: string, { certFile, keyFile }: Certificate): void {
  copyFileSync(certFile, join(directory, "tls.crt"));
  copyFileSync(keyFile, join(directory, "tls.key"));
}

function filesIn(directory: string) {
  return { certFile: join(directory, "tls.crt"), keyFile: join(directory, "tls.key") };
}

/** The certificate that a new connection is shown. */
async function shownAt(port: number): Promise<string> {
  const socket = tlsConnect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const pem = socket.getPeerX509Certificate()!.toString();
  socket.destroy();
  return pem;
}

/** Each way to put files into a directory, at first and again. */
const WAYS = [
  { way: "written in place", replace: put },
  {
    way: "renamed over",
    replace: (directory: string, certificate: Certificate) => {
      const staging = newDirectory();
      put(staging, certificate);
      for (const file of ["tls.crt", "tls.key"]) renameSync(join(staging, file), join(directory, file));
    },
  },
  {
    way: "swapped by the data link of a Kubernetes volume",
    replace: (directory: string, certificate: Certificate) => {
      const link = join(directory, "..data");
      const before = existsSync(link) ? realpathSync(link) : undefined;
      const next = mkdtempSync(join(directory, "..version-"));
      put(next, certificate);
      symlinkSync(basename(next), `${link}_tmp`);
      renameSync(`${link}_tmp`, link);
      if (before !== undefined) rmSync(before, { recursive: true });
      else for (const file of ["tls.crt", "tls.key"]) symlinkSync(join("..data", file), join(directory, file));
    },
  },
];

describe("changed TLS files are taken into use", () => {
  it.each(WAYS)("$way, again and again", async ({ replace }) => {
    const directory = newDirectory();
    replace(directory, first);
    const { port, log } = await startListening({ tls: filesIn(directory) });
    expect(await shownAt(port)).toBe(first.cert);
    const kept = http2Connect(`https://127.0.0.1:${port}`, { ca: first.cert });
    await once(kept, "connect");

    for (const [index, certificate] of [second, third].entries()) {
      replace(directory, certificate);
      await log.said(RELOADED, index + 1);
      expect(await shownAt(port)).toBe(certificate.cert);
    }
    expect(await getAndClose(kept)).toBe("2.0 GET / 0");
  });

  it("what cannot serve is logged once and the last good stays, until it can", async () => {
    const directory = newDirectory();
    put(directory, first);
    const { port, log } = await startListening({ tls: filesIn(directory) });

    writeFileSync(filesIn(directory).keyFile, second.key);
    await log.said(REFUSED);
    expect(await shownAt(port)).toBe(first.cert);

    writeFileSync(filesIn(directory).certFile, second.cert);
    await log.said(RELOADED);
    expect(await shownAt(port)).toBe(second.cert);
    expect(log.count(REFUSED)).toBe(1);
  });

  it("new authorities decide about new clients", async () => {
    const directory = newDirectory();
    put(directory, first);
    const clientCaFile = join(directory, "ca.crt");
    const client = certificates.signedBy(third);
    copyFileSync(second.certFile, clientCaFile);
    const { port, log } = await startListening({ tls: { ...filesIn(directory), clientCaFile } });
    const call = () => {
      const credentials = { cert: client.cert, key: client.key };
      return getAndClose(http2Connect(`https://127.0.0.1:${port}`, { ca: first.cert, ...credentials }));
    };
    await expect(call()).rejects.toThrow();

    copyFileSync(third.certFile, clientCaFile);
    await log.said(RELOADED);
    expect(await call()).toBe("2.0 GET / 0");
  });

  it("also without a notice, by looking from time to time", async () => {
    // The watched directory is the one that the link led to at first: it never changes.
    const directory = newDirectory();
    for (const [name, certificate] of [
      ["first", first],
      ["second", second],
    ] as const) {
      mkdirSync(join(directory, name));
      put(join(directory, name), certificate);
    }
    symlinkSync("first", join(directory, "current"));
    const log = new RecordingLogger();
    const applied: string[] = [];
    const follower = new FollowTlsFiles({
      files: filesIn(join(directory, "current")),
      apply: ({ cert }) => applied.push(cert),
      logger: log,
      pollMs: 20,
    });
    await follower.start();
    symlinkSync("second", join(directory, "next"));
    renameSync(join(directory, "next"), join(directory, "current"));
    await log.said(RELOADED);
    follower.stop();
    expect(applied).toEqual([first.cert, second.cert]);
  });
});
