import { spawn } from "node:child_process";
import { once } from "node:events";

/** The exit code and output of a program. */
export interface ProcessResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program without a terminal until it ends.
 *
 * @throws AbortError if it was killed by the signal.
 */
export async function run(
  program: string,
  args: readonly string[],
  {
    input,
    ...options
  }: {
    readonly env: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly uid?: number;
    readonly gid?: number;
    /** Its standard input. Default: it has none. */
    readonly input?: string | Uint8Array | undefined;
    /** When the program is killed, and this fails. */
    readonly signal?: AbortSignal;
  },
): Promise<ProcessResult> {
  const child = spawn(program, args, {
    stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    killSignal: "SIGKILL",
    ...options,
  });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
  // A program that ends first has not read all of it.
  child.stdin?.on("error", () => undefined).end(input);
  await once(child, "close");
  return {
    code: child.exitCode,
    stdout: Buffer.concat(out).toString(),
    stderr: Buffer.concat(err).toString(),
  };
}
