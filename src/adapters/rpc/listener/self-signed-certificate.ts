import { generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";
import { hostname } from "node:os";
import type { TlsMaterial } from "./tls-material.js";

const ONE_DAY_MS = 86_400_000;
/** As long as clients accept one: it is made anew at each start. */
const VALID_DAYS = 825;
/** Clocks of clients may be behind. */
const BACKDATED_MS = ONE_DAY_MS;

const COMMON_NAME = Buffer.from("0603550403", "hex");
const ECDSA_WITH_SHA256 = der(0x30, Buffer.from("06082a8648ce3d040302", "hex"));
const SUBJECT_ALTERNATIVE_NAME = Buffer.from("0603551d11", "hex");
const EXTENDED_KEY_USAGE = Buffer.from("0603551d25", "hex");
const SERVER_AUTHENTICATION = Buffer.from("06082b06010505070301", "hex");
const VERSION_3 = Buffer.from("a003020102", "hex");
const LOOPBACK = [Buffer.from([127, 0, 0, 1]), Buffer.from([...new Array<number>(15).fill(0), 1])];

export interface SelfSigned extends TlsMaterial {
  /** SHA-256 of the certificate, in hexadecimal with colons. */
  readonly fingerprint: string;
}

/**
 * A certificate for this machine, for clients that do not verify it or are given its fingerprint: localhost, the host's name and the
 * loopback addresses. Its key is in memory alone.
 *
 * @param now epoch milliseconds
 */
export function selfSignedCertificate(now: number, host = hostname()): SelfSigned {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = der(0x30, der(0x31, der(0x30, COMMON_NAME, der(0x0c, Buffer.from(host.slice(0, 64))))));
  const names = [...new Set(["localhost", host])].map((each) => der(0x82, Buffer.from(each, "latin1")));
  const addresses = LOOPBACK.map((each) => der(0x87, each));
  const expiresAt = now + VALID_DAYS * ONE_DAY_MS;
  const signed = der(
    0x30,
    VERSION_3,
    der(0x02, Buffer.from([0x01]), randomBytes(15)),
    ECDSA_WITH_SHA256,
    name,
    der(0x30, time(now - BACKDATED_MS), time(expiresAt)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(
      0xa3,
      der(
        0x30,
        der(0x30, SUBJECT_ALTERNATIVE_NAME, der(0x04, der(0x30, ...names, ...addresses))),
        der(0x30, EXTENDED_KEY_USAGE, der(0x04, der(0x30, SERVER_AUTHENTICATION))),
      ),
    ),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", signed, privateKey));
  const certificate = new X509Certificate(der(0x30, signed, ECDSA_WITH_SHA256, signature));
  return {
    cert: certificate.toString(),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    ca: undefined,
    expiresAt: Date.parse(certificate.validTo),
    fingerprint: certificate.fingerprint256,
  };
}

/** One value of ASN.1 in DER: its tag, its length, what it consists of. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

/** Two digits of the year serve until 2050. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, "");
  return digits < "2050" ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}
