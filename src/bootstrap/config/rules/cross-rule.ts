/** Looks at several settings together. */
export interface CrossRule<Config> {
  /** What it looks at: where one of them could not even be read, there is nothing to say. */
  readonly about: readonly (keyof Config)[];
  /** What is wrong, naming every variable it is about, and how to mend it. */
  readonly fault: (config: Config) => string | undefined;
}

/**
 * @param unreadable settings with a fault of their own
 * @param hasEffect whether a setting has any; a rule about settings that have none does not apply
 */
export function brokenRules<Config>(
  rules: readonly CrossRule<Config>[],
  config: Config,
  unreadable: ReadonlySet<PropertyKey>,
  hasEffect: (key: keyof Config) => boolean,
): string[] {
  return rules
    .filter(({ about }) => !about.some((key) => unreadable.has(key)) && about.some(hasEffect))
    .map(({ fault }) => fault(config))
    .filter((fault) => fault !== undefined);
}
