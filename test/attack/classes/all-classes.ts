import type { AttackClass } from "../attack-class.js";
import { CONNECTIONS } from "./connections.js";
import { CONTROL_FRAMES } from "./control-frames.js";
import { HEADER_BLOCKS } from "./header-blocks.js";
import { HTTP1 } from "./http1.js";
import { MESSAGES } from "./messages.js";
import { RESETS } from "./resets.js";
import { WINDOWS } from "./windows.js";

/** Everything that is tried, in the order of the table. */
export const ATTACK_CLASSES: readonly AttackClass[] = [
  ...RESETS,
  ...CONTROL_FRAMES,
  ...HEADER_BLOCKS,
  ...WINDOWS,
  ...CONNECTIONS,
  ...HTTP1,
  ...MESSAGES,
];
