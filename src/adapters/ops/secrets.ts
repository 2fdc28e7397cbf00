const REPLACEMENT = "[redacted]";

/**
 * Below this many characters a value is no secret worth the name, and hiding it would make every line
 * unreadable that happens to hold the same letters.
 */
const SHORTEST_SECRET = 4;

/** Hides the given secrets wherever they stand in a text, also as part of a URL or of a JSON string. */
export type Redact = (text: string) => string;

export function hideSecrets(secrets: Iterable<string>): Redact {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    if (secret.length < SHORTEST_SECRET) continue;
    spellings.add(secret);
    spellings.add(encodeURIComponent(secret));
    spellings.add(JSON.stringify(secret).slice(1, -1));
  }
  if (spellings.size === 0) return (text) => text;
  // The longest first: a secret that contains another one must not leave its remains behind.
  const alternatives = [...spellings].sort((a, b) => b.length - a.length).map(escapeForRegExp);
  const anySecret = new RegExp(alternatives.join("|"), "g");
  return (text) => text.replace(anySecret, REPLACEMENT);
}

/** Hides secrets that may be added to while the process runs. */
export class SecretList {
  readonly #secrets: Set<string>;
  #hide: Redact;

  constructor(secrets: Iterable<string>) {
    this.#secrets = new Set(secrets);
    this.#hide = hideSecrets(this.#secrets);
  }

  add(secret: string): void {
    this.#secrets.add(secret);
    this.#hide = hideSecrets(this.#secrets);
  }

  readonly redact: Redact = (text) => this.#hide(text);
}

function escapeForRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
