import { RESERVED_LOG_KEYS } from "../../../adapters/ops/winston-logger.js";
import type { CrossRule } from "./cross-rule.js";

/** What every process demands of the keys in its log lines. */
export const LOG_RULES: readonly CrossRule<{ readonly logMessageKey: string; readonly logErrorKey: string }>[] = [
  {
    about: ["logMessageKey", "logErrorKey"],
    fault: ({ logMessageKey, logErrorKey }) => {
      if (RESERVED_LOG_KEYS.includes(logMessageKey))
        return `LOG_MESSAGE_KEY is "${logMessageKey}": every line has that key already`;
      if (RESERVED_LOG_KEYS.includes(logErrorKey))
        return `LOG_ERROR_KEY is "${logErrorKey}": every line has that key already`;
      return logMessageKey === logErrorKey
        ? `LOG_MESSAGE_KEY and LOG_ERROR_KEY are both "${logMessageKey}": a line could hold only one of the two`
        : undefined;
    },
  },
];
