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

/** When some settings have no effect: they then neither stop a start nor pass without a word. */
export interface UnusedRule<Config> {
  readonly settings: readonly (keyof Config)[];
  /** What the answer depends on: where one of these cannot be read, the settings count as used. */
  readonly decidedBy: readonly (keyof Config)[];
  /** Why they have no effect, as the end of a sentence; undefined where they have one. */
  readonly reason: (config: Config) => string | undefined;
  /** For settings that stay as they are while another one overrides them: what is given and could be read is not mentioned. */
  readonly isExpected?: boolean;
}

/** A setting that was given and has no effect. */
export interface UnusedSetting {
  readonly reason: string;
  readonly isExpected: boolean;
}

/**
 * The settings without effect, each by the first rule that says so.
 *
 * @param unreadable the settings with a fault of their own
 */
export function unusedSettings<Config>(
  rules: readonly UnusedRule<Config>[],
  config: Config,
  unreadable: ReadonlySet<PropertyKey>,
): ReadonlyMap<PropertyKey, UnusedSetting> {
  const unused = new Map<PropertyKey, UnusedSetting>();
  for (const { settings, decidedBy, reason, isExpected = false } of rules) {
    if (decidedBy.some((key) => unreadable.has(key) && !unused.has(key))) continue;
    const why = reason(config);
    if (why === undefined) continue;
    for (const key of settings) if (!unused.has(key)) unused.set(key, { reason: why, isExpected });
  }
  return unused;
}
