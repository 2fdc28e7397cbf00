import { askOps, OPS_OPTIONS, OpsFailure } from "./ask-ops.js";
import { COMMAND_EXIT_CODES, type Output } from "./output.js";
import { parseCommandLine, UsageError } from "./parse-command-line.js";

export const STATUS_SYNTAX = {
  positionals: [],
  options: { ...OPS_OPTIONS, expect: { type: "string" }, section: { type: "string" } },
} as const;

interface Status {
  readonly error?: string;
  readonly failed?: readonly string[];
  readonly isDegraded: boolean;
  readonly degraded: readonly string[];
}

/** Asks a running service how it is. Exit code 0: well; 1: degraded, or something that is expected does not hold; 2: error. */
export async function statusCommand(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  output: Output,
): Promise<number> {
  const { values } = parseCommandLine(args, STATUS_SYNTAX);
  if (values.expect?.replaceAll(",", "").trim() === "")
    throw new UsageError("--expect is empty, so that nothing would be looked at: such as --expect isDegraded=false");
  const query = new URLSearchParams(
    (values.expect ?? "")
      .split(",")
      .filter((each) => each !== "")
      .map((each): [string, string] => ["expect", each]),
  );
  try {
    const { body } = await askOps("/status", query, values, environment, output, "isDegraded");
    const status = body as unknown as Status;
    if (status.error !== undefined) {
      output.err(`error: ${status.error}`);
      return COMMAND_EXIT_CODES.error;
    }
    const { section } = values;
    if (section !== undefined && !(section in body)) {
      output.err(`error: there is no section ${JSON.stringify(section)}; there are ${Object.keys(body).join(", ")}`);
      return COMMAND_EXIT_CODES.error;
    }
    const shown = section === undefined ? status : { [section]: body[section] };
    output.out(values.json === true ? JSON.stringify(shown) : describe(shown, ""));
    if (section !== undefined) for (const failed of status.failed ?? []) output.err(`not as expected: ${failed}`);
    const isWell = query.size > 0 ? status.failed === undefined : !status.isDegraded;
    return isWell ? COMMAND_EXIT_CODES.valid : COMMAND_EXIT_CODES.invalid;
  } catch (error) {
    if (!(error instanceof OpsFailure)) throw error;
    output.err(`error: ${error.message}`);
    return COMMAND_EXIT_CODES.error;
  }
}

/** Any status as indented lines: whatever section a part adds is shown. */
function describe(value: object, indent: string): string {
  return Object.entries(value as Record<string, unknown>)
    .filter(([, member]) => member !== undefined && member !== null)
    .map(([name, member]) => {
      if (Array.isArray(member))
        return [
          `${indent}${name}: ${member.length === 0 ? "none" : ""}`,
          ...member.map((each) => `${indent}  - ${String(each)}`),
        ].join("\n");
      if (typeof member !== "object")
        return `${indent}${name}: ${typeof member === "string" ? member : JSON.stringify(member)}`;
      const isFlat = Object.values(member as object).every((part) => typeof part !== "object");
      if (isFlat && indent !== "")
        return `${indent}${name}: ${Object.entries(member as object)
          .map(([key, part]) => `${key} ${String(part)}`)
          .join(", ")}`;
      return `${indent}${name}:\n${describe(member as object, `${indent}  `)}`;
    })
    .join("\n");
}
