import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** Certificates made by `openssl`, in a directory of their own. */
export class Certificates {
  readonly directory = mkdtempSync(join(tmpdir(), "certificates-"));
  #made = 0;

  /** Signed by itself, for localhost; also fit to be an authority. */
  selfSigned(): Certificate {
    const { certFile, keyFile } = this.#nextFiles();
    this.#openssl(
      "req",
      "-x509",
      "-days",
      "1",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost,IP:127.0.0.1",
      ...NEW_KEY,
      "-keyout",
      keyFile,
      "-out",
      certFile,
    );
    return read(certFile, keyFile);
  }

  signedBy(authority: Certificate): Certificate {
    const { certFile, keyFile } = this.#nextFiles();
    const requestFile = `${certFile}.request`;
    this.#openssl("req", "-subj", "/CN=client", ...NEW_KEY, "-keyout", keyFile, "-out", requestFile);
    this.#openssl(
      "x509",
      "-req",
      "-days",
      "1",
      "-in",
      requestFile,
      "-CA",
      authority.certFile,
      "-CAkey",
      authority.keyFile,
      "-CAcreateserial",
      "-out",
      certFile,
    );
    return read(certFile, keyFile);
  }

  /** The key of a certificate, encrypted by a passphrase. */
  encrypted({ keyFile }: Certificate): string {
    const encryptedFile = `${keyFile}.encrypted`;
    this.#openssl("pkcs8", "-topk8", "-in", keyFile, "-passout", "pass:secret", "-out", encryptedFile);
    return encryptedFile;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }

  #nextFiles() {
    const base = join(this.directory, String(++this.#made));
    return { certFile: `${base}.crt`, keyFile: `${base}.key` };
  }

  #openssl(...options: string[]): void {
    execFileSync("openssl", options, { stdio: "pipe" });
  }
}

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

function read(certFile: string, keyFile: string): Certificate {
  return { certFile, keyFile, cert: readFileSync(certFile, "latin1"), key: readFileSync(keyFile, "latin1") };
}
