import type { Decimal } from "../../../domain/usage/decimal.js";
import type { LedgerRecord, WalletLine } from "./ledger-record.js";
import { type DecodedStateFile, decodeLine, unfit } from "./state-file-format.js";

/** A record as version 1 wrote it. */
interface RecordV1 {
  readonly usage: readonly UsageLineV1[];
  readonly wallets: readonly WalletLine[];
  readonly keys: readonly string[];
}

type UsageLineV1 = readonly [
  string,
  string | null,
  string,
  amount: Decimal,
  periodStart: number | null,
  initial: number | null,
  updatedAt: number,
];

/**
 * Reads a state file of version 1: lines of "checksum JSON" that say neither how many they are nor whether the file was
 * closed. A last line without its newline was never acknowledged.
 *
 * @throws CodedError `failed-precondition` with line and remedy where it is damaged
 */
export function decodeStateFileV1(file: string, content: string): DecodedStateFile {
  const lines = content.split("\n");
  const torn = lines.pop() ?? "";
  const records = lines.slice(1).map((line, index) => {
    const value = decodeLine(line);
    if (value === undefined) throw unfit(file, index + 2, "is damaged: a checksum does not fit");
    return recordOf(value as RecordV1);
  });
  const cut = torn === "" ? "" : `; ${torn.length} characters of a write that was never acknowledged are left out`;
  return {
    records,
    warning: `the state file ${file} is of version 1, which does not say how many records there were: ${records.length} are read${cut}. From now on it is of version 2`,
  };
}

function recordOf({ usage, wallets, keys }: RecordV1): LedgerRecord {
  return {
    usage: usage.map(([customerId, resourceId, featureId, amount, periodStart, initial, updatedAt]) => [
      customerId,
      resourceId,
      featureId,
      [[periodStart, amount]],
      initial,
      updatedAt,
    ]),
    wallets,
    keys: keys.map((digest) => [digest, "", null]),
    unmatched: [],
  };
}
