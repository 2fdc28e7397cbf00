import type { World } from "./world.js";

/** @returns what mends it */
export function cutOneWay({ network }: World, from: string, to: string): () => void {
  network.cut(from, to);
  return () => network.mend(from, to);
}

/** @returns what mends it */
export function cutBoth(world: World, host: string, to: string): () => void {
  const [there, back] = [cutOneWay(world, host, to), cutOneWay(world, to, host)];
  return () => {
    there();
    back();
  };
}
