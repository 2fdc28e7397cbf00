import { execFile } from "node:child_process";
import { stripVTControlCharacters } from "node:util";

export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its exit code. Rejects only where it cannot be started or is killed. */
export function tryCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    execFile(
      command,
      args,
      { cwd: options.cwd, env: { ...process.env, ...options.env }, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (typeof code === "number") resolve({ code, stdout, stderr });
        else reject(new Error(`${command} did not run to its end: ${String(error?.message)}`, { cause: error }));
      },
    );
  });
}

/** Runs a program that has to succeed. What it printed is in the error when it does not. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(command, args, options);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} exited ${code}\n${stdout}\n${stderr}`);
  return stdout;
}

/** What a toolchain's probe prints; undefined where this machine does not have it or the probe fails. */
export async function probeToolchain(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { code, stdout, stderr } = await tryCommand(command, args);
    return code === 0 ? stripVTControlCharacters(stdout + stderr).trim() : undefined;
  } catch {
    return undefined;
  }
}
