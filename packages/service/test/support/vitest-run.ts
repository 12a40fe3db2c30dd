import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** The configuration of this repository's tests. */
export const CONFIG = join(ROOT, "vitest.config.ts");

/** A run that has not ended by then is killed with all its descendants. */
const MAX_RUN_MS = 90_000;

/** How often a process is checked for its end, every 50 ms. */
const MAX_TRIES = 200;

/** How a run of vitest ended. */
export interface VitestRun {
  /** The exit code; null if the run was killed because it did not end. */
  readonly code: number | null;
  readonly output: string;
  /** Command lines of its descendants that still run. */
  readonly left: readonly string[];
}

/** A directory with test files, like a checkout. */
export interface VitestProject extends AsyncDisposable {
  readonly path: string;
  /** @returns the path of the file. */
  write(file: string, text: string): Promise<string>;
  run(config: string, ...args: readonly string[]): Promise<VitestRun>;
}

export async function createVitestProject(): Promise<VitestProject> {
  const directory = await temporaryDirectory();
  const { path } = directory;
  await symlink(join(ROOT, "node_modules"), join(path, "node_modules"));
  return {
    path,
    async write(file, text) {
      const to = join(path, file);
      await mkdir(dirname(to), { recursive: true });
      await writeFile(to, text);
      return to;
    },
    run: (config, ...args) => runVitest(["--root", path, "--config", config, ...args]),
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

async function runVitest(args: readonly string[]): Promise<VitestRun> {
  // A separate session, by which all its descendants are found.
  const child = spawn(process.execPath, [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], NO_COLOR: "1" },
    detached: true,
  });
  const session = child.pid!;
  const pieces: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece: Buffer) => pieces.push(piece));
  const timer = setTimeout(() => endSession(session), MAX_RUN_MS);
  const closed = once(child, "close");
  await once(child, "exit");
  clearTimeout(timer);
  const left = await remainingOf(session);
  endSession(session);
  // Settles when no remaining process can write any more.
  await closed;
  return { code: child.exitCode, output: Buffer.concat(pieces).toString(), left };
}

/** Returns the command lines of processes that still run after a while: a killed process takes a moment to end. */
async function remainingOf(session: number): Promise<readonly string[]> {
  for (let tries = 0; tries < MAX_TRIES && processesOf(session).length > 0; tries += 1) {
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  return processesOf(session).map((pid) => readProcess(pid, "cmdline").replaceAll("\0", " "));
}

function endSession(session: number): void {
  for (const pid of processesOf(session)) process.kill(pid, "SIGKILL");
}

/** Lists the processes of a session that have not ended (proc(5): the state, then the parent, the group and the session). */
function processesOf(session: number): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = readProcess(pid, "stat");
      const [state, , , of] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(of) === session && state !== "Z";
    });
}

function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    // It ended.
    return "";
  }
}
