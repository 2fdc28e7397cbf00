/** The bodies of a page's curl commands, by the paths that they are sent to. */
export function examplesOf(page: string): ReadonlyMap<string, string> {
  const commands = page.matchAll(/^curl .*https?:\/\/[^/]+\/(?<path>\S+) \\\n +-d '(?<body>[^']*)'$/gm);
  return new Map([...commands].map(({ groups }) => [groups?.["path"] ?? "", groups?.["body"] ?? ""]));
}
