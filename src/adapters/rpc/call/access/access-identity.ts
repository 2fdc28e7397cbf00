import { createHash, timingSafeEqual } from "node:crypto";
import QuickLRU from "quick-lru";
import { CodedError } from "../../../../domain/errors.js";
import { quoted } from "../../service/request-reader.js";
import {
  type AdmissionRule,
  type Caller,
  type Credentials,
  type Identity,
  METHOD_GROUPS,
  type MethodGroup,
  type ServedMethod,
} from "../served-method.js";
import type { AccessEntry, AccessFile } from "./access-entries.js";
import type { IsAllowedHost } from "./cross-origin.js";

/** Tokens that need not be hashed again. Only those that are known: guesses push none of them out. */
const MAX_KNOWN_TOKENS = 1_000;
const BEARER = /^bearer +(\S.*)$/i;

interface AccessIdentityOptions {
  /** Who may call; undefined: anybody. */
  readonly entries?: Pick<AccessFile, "value" | "generation"> | undefined;
  /** Undefined: whatever host a request names is fine. */
  readonly isAllowedHost?: IsAllowedHost | undefined;
}

/** Knows callers by their bearer token, else by their client certificate, else by their address. */
export class AccessIdentity implements Identity {
  readonly #options: AccessIdentityOptions;
  readonly #tokens = new QuickLRU<string, KnownCaller>({ maxSize: MAX_KNOWN_TOKENS });
  #byHash: readonly KnownCaller[] = [];
  #byCertificate: ReadonlyMap<string, KnownCaller> = new Map();
  #generation = -1;

  constructor(options: AccessIdentityOptions) {
    this.#options = options;
  }

  get changes(): { readonly generation: number } | undefined {
    return this.#options.entries;
  }

  callerOf({ authorization, authority, peer }: Credentials): Caller {
    const { entries, isAllowedHost } = this.#options;
    if (isAllowedHost !== undefined && !isAllowedHost(authority))
      return new UnknownCaller(peer.address, foreignHost(authority));
    if (entries === undefined) return new UnknownCaller(peer.address, undefined);
    if (this.#generation !== entries.generation) this.#adopt(entries.value, entries.generation);
    const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
    if (token !== undefined) return this.#byToken(token) ?? new UnknownCaller(peer.address, UNKNOWN_TOKEN);
    const name = peer.certificateName;
    if (name === undefined) return new UnknownCaller(peer.address, NO_CREDENTIALS);
    return this.#byCertificate.get(name) ?? new UnknownCaller(peer.address, unknownCertificate(name));
  }

  #adopt(entries: readonly AccessEntry[], generation: number): void {
    const callers = entries.map((entry) => new KnownCaller(entry));
    this.#generation = generation;
    this.#tokens.clear();
    this.#byHash = callers.filter(({ tokenHash }) => tokenHash !== undefined);
    this.#byCertificate = new Map(
      callers.flatMap((caller) => (caller.certificate === undefined ? [] : [[caller.certificate, caller]])),
    );
  }

  /** Takes as long for one that is not known as for one that is: all hashes are compared. */
  #byToken(token: string): KnownCaller | undefined {
    const known = this.#tokens.get(token);
    if (known !== undefined) return known;
    const hash = createHash("sha256").update(token).digest();
    let found: KnownCaller | undefined;
    for (const caller of this.#byHash) if (timingSafeEqual(hash, caller.tokenHash as Buffer)) found = caller;
    if (found !== undefined) this.#tokens.set(token, found);
    return found;
  }
}

/** A caller with an entry of its own. */
class KnownCaller implements Caller {
  readonly name: string;
  readonly refusal = undefined;
  readonly tokenHash: Buffer | undefined;
  readonly certificate: string | undefined;
  /** Made once: who may not call costs no stack for each call. */
  readonly refusals: ReadonlyMap<MethodGroup, CodedError>;

  constructor({ name, tokenHash, certificate, groups }: AccessEntry) {
    this.name = `entry ${name}`;
    this.tokenHash = tokenHash;
    this.certificate = certificate;
    this.refusals = new Map(
      METHOD_GROUPS.filter((group) => !groups.has(group)).map((group) => [group, groupRefused(name, group)]),
    );
  }
}

/** A caller who is known by the address alone. */
class UnknownCaller implements Caller {
  readonly name: string;
  readonly refusal: CodedError | undefined;
  readonly refusals = undefined;

  constructor(address: string, refusal: CodedError | undefined) {
    this.name = address;
    this.refusal = refusal;
  }
}

const HOW_TO_CALL =
  'send the metadata "authorization: Bearer <token>" with a token that AUTH_TOKENS_FILE has the SHA-256 of';
const NO_CREDENTIALS = new CodedError(
  "unauthenticated",
  `who calls is not known: ${HOW_TO_CALL}, or use a client certificate that it names`,
);
const UNKNOWN_TOKEN = new CodedError("unauthenticated", `the token is not known, or not any more: ${HOW_TO_CALL}`);

function unknownCertificate(name: string): CodedError {
  return new CodedError(
    "unauthenticated",
    `the client certificate ${quoted(name)} is not known: add an entry with it to AUTH_TOKENS_FILE, or ${HOW_TO_CALL}`,
  );
}

function groupRefused(name: string, group: MethodGroup): CodedError {
  return new CodedError(
    "permission-denied",
    `${quoted(name)} may not call methods of the group ${group}: add ${group} to its groups in AUTH_TOKENS_FILE`,
  );
}

function foreignHost(authority: string | undefined): CodedError {
  const fault =
    authority === undefined ? "the request names no host" : `the host ${quoted(authority)} is not served here`;
  return new CodedError("permission-denied", `${fault}: call by a name that is, or add this one to ALLOWED_HOSTS`);
}

/** Callers that are remembered; who is forgotten begins anew with a full second. */
const MAX_CALLERS = 10_000;

/** What a caller may still call. */
interface Bucket {
  tokens: number;
  /** When that was so, milliseconds of a clock that never steps. */
  at: number;
}

/**
 * So many calls a second of each caller, of which it may have those of one second at once.
 *
 * @param now milliseconds of a clock that never steps
 */
export function rateLimit(callsPerSecond: number, now: () => number = () => performance.now()): AdmissionRule {
  const buckets = new QuickLRU<string, Bucket>({ maxSize: MAX_CALLERS });
  // One for all: who floods the port costs no stack and no text for each call.
  const refusal = new CodedError(
    "resource-exhausted",
    `more than ${callsPerSecond} calls a second by one caller (RATE_LIMIT): retry after ${Math.ceil(1_000 / callsPerSecond)} ms`,
  );
  const admit = (_: ServedMethod, { name }: Caller) => {
    const at = now();
    const bucket = buckets.get(name);
    if (bucket === undefined) {
      buckets.set(name, { tokens: callsPerSecond - 1, at });
      return undefined;
    }
    bucket.tokens = Math.min(callsPerSecond, bucket.tokens + ((at - bucket.at) * callsPerSecond) / 1_000);
    bucket.at = at;
    if (bucket.tokens < 1) return refusal;
    bucket.tokens -= 1;
    return undefined;
  };
  const undo = ({ name }: Caller) => {
    const bucket = buckets.get(name);
    if (bucket !== undefined) bucket.tokens += 1;
  };
  return Object.assign(admit, { undo });
}
