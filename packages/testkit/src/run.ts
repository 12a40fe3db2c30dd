import { spawn } from "node:child_process";
import { once } from "node:events";

/** The exit code and output of a program. */
export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without a terminal and input until it ends.
 *
 * @throws AbortError if it was killed by the signal.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly uid?: number;
    readonly gid?: number;
    /** When the program is killed, and this fails. */
    readonly signal?: AbortSignal;
  },
): Promise<ProcessResult> {
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    killSignal: "SIGKILL",
    ...options,
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
  await once(child, "close");
  return {
    code: child.exitCode,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  };
}
