import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./run-command.js";

/** The last that is a Go module. It is from before these existed and names none of what it needs. */
const H2SPEC = "github.com/summerwind/h2spec";
const GO_MOD = `module conformance

go 1.24.0

require (
	${H2SPEC} v2.2.1+incompatible
	github.com/fatih/color v1.18.0
	github.com/spf13/cobra v1.9.1
	golang.org/x/net v0.43.0
)
`;

/** Builds h2spec in `directory`. @returns its executable */
export async function buildH2spec(directory: string): Promise<string> {
  await writeFile(join(directory, "go.mod"), GO_MOD);
  const executable = join(directory, "h2spec");
  await runCommand("go", ["build", "-mod=mod", "-o", executable, `${H2SPEC}/cmd/h2spec`], { cwd: directory });
  return executable;
}
