import { theWorld } from "../world/world.js";

export { createHash, hash, timingSafeEqual, X509Certificate } from "node:crypto";

/** Of chance that the seed repeats. */
export function randomBytes(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, () => theWorld().chance.below(256)));
}

export function randomUUID(): string {
  const hex = randomBytes(16).toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}
