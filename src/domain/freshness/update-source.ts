/**
 * Who brings the updates of cached states.
 *
 * - `own-stream`: this process, by an update stream of its own
 * - `others`: another process, by way of the store that both share; nothing has to be asked for again for its age alone
 * - `nobody`: states are asked for again once they are old
 */
export type UpdateSource = "own-stream" | "others" | "nobody";

/**
 * The one rule of it: who shares a store leaves the updates to whoever keeps that store up to date, and has a stream of
 * its own only where that is asked for; everybody else has one unless that is refused.
 *
 * @param wantsStream undefined: nothing was said
 */
export function updateSourceOf(sharesStore: boolean, wantsStream: boolean | undefined): UpdateSource {
  if (wantsStream === true) return "own-stream";
  if (sharesStore) return "others";
  return wantsStream === false ? "nobody" : "own-stream";
}
