import { COMMAND_HELP } from "./help.js";
import { UsageError } from "./parse-command-line.js";

const PROGRAM = "entitlement-sidecar";

/**
 * A script that completes commands and their options, made from the help: what is documented is completed.
 *
 * @throws UsageError for a shell that it knows nothing of
 */
export function completionFor(shell: string | undefined): string {
  if (shell === "bash") return bash();
  if (shell === "zsh") return `autoload -U +X bashcompinit && bashcompinit\n${bash()}`;
  if (shell === "fish") return fish();
  throw new UsageError(`there is completion for bash, zsh and fish, not for ${JSON.stringify(shell)}`);
}

function optionsIn(help: string): readonly string[] {
  return [...new Set(help.match(/--[a-z][a-z-]+/g))].sort();
}

function bash(): string {
  const cases = Object.entries(COMMAND_HELP).map(
    ([command, help]) => `    ${command}) words="${optionsIn(help).join(" ")}" ;;`,
  );
  return [
    "_entitlement_sidecar() {",
    '  local current="${COMP_WORDS[COMP_CWORD]}" words=""',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    COMPREPLY=($(compgen -W "${[...Object.keys(COMMAND_HELP), "help"].join(" ")}" -- "$current")); return`,
    "  fi",
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    `    help) words="${[...Object.keys(COMMAND_HELP), "configuration", "metrics"].join(" ")}" ;;`,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$current"))',
    "}",
    `complete -o default -F _entitlement_sidecar ${PROGRAM}`,
  ].join("\n");
}

function fish(): string {
  const lines = [
    `complete -c ${PROGRAM} -n __fish_use_subcommand -f -a "${[...Object.keys(COMMAND_HELP), "help"].join(" ")}"`,
  ];
  for (const [command, help] of Object.entries(COMMAND_HELP)) {
    for (const option of optionsIn(help))
      lines.push(`complete -c ${PROGRAM} -n "__fish_seen_subcommand_from ${command}" -l ${option.slice(2)}`);
  }
  return lines.join("\n");
}
