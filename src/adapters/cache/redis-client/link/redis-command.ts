export type RedisCommand = readonly [name: string, ...args: readonly (string | number)[]];

/** What Redis answered to one command; an Error where it refused it. */
export type Reply = unknown;
