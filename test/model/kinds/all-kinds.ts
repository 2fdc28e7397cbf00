import type { Kind } from "../kind.js";
import { CACHES } from "./caches.js";
import { DECISIONS } from "./decisions.js";
import { HISTORIES } from "./histories.js";
import { PERIODS } from "./periods.js";
import { REDIS } from "./redis.js";
import { REPORTS } from "./reports.js";

export const KINDS = [DECISIONS, PERIODS, CACHES, HISTORIES, REDIS, REPORTS] as readonly Kind[];
