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
