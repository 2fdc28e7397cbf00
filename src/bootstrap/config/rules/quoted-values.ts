const IN_QUOTES = /^\s*(?:"[^]*"|'[^]*')\s*$/;

/**
 * One warning of all values that stand in quotes. A shell takes them away; docker --env-file does not, and a prefix or a
 * path then is another one than was meant.
 *
 * @param names the variables that are read
 */
export function quotedValues(
  names: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const quoted = names.filter((name) => IN_QUOTES.test(environment[name] ?? ""));
  if (quoted.length === 0) return [];
  const [whose, verb] = quoted.length === 1 ? ["a value", "is"] : ["values", "are"];
  return [
    `${quoted.join(", ")} ${verb} ${whose} in quotes, and the quotes are part of the value: docker --env-file, for one, does not take them away; remove them unless they are meant`,
  ];
}
