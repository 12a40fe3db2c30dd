import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProcessResult } from "./run.ts";
import { run } from "./run.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { until } from "./until.ts";

const BOOT = fileURLToPath(new URL("boot-system.sh", import.meta.url));
const CHECKOUT = fileURLToPath(new URL("../../..", import.meta.url));

/** All but the time and users, which stay this machine's. */
const NAMESPACES = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net"];

/**
 * A separate system that has started with Debian's systemd, over a copy of this machine's files that is only in memory, with a
 * separate network. The checkout is at /opt/membrane, and cannot be changed there.
 */
export interface BootedSystem extends AsyncDisposable {
  /** Runs a program there as root. @throws Error with what it has printed if it fails. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** The same, for a program that may fail. */
  tryRun(program: string, ...args: readonly string[]): Promise<ProcessResult>;
  /** Runs a script of bash there as root, which stops at the first command that fails. @throws Error with what it has printed. */
  script(text: string): Promise<string>;
  /** Where a file of that system can be reached from here. */
  path(file: string): string;
}

/** Needs root, and a kernel that lets it make namespaces and cgroups. */
export async function bootSystem(): Promise<BootedSystem> {
  const directory = await temporaryDirectory();
  const cgroup = join(await cgroupRoot(), directory.path.split("/").at(-1)!);
  await mkdir(cgroup);
  // systemd is the first process of its cgroup as it is of its processes. It ends with this process, even if that one is killed.
  const enter = 'echo $$ > "$0/cgroup.procs" && exec setpriv --pdeathsig=KILL unshare "$@"';
  const words = [...NAMESPACES, "--fork", "--kill-child", "bash", BOOT, directory.path, CHECKOUT];
  const child = spawn("bash", ["-c", enter, cgroup, ...words], { stdio: ["ignore", "pipe", "pipe"] });
  const output: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => output.push(chunk));
  const ended = once(child, "close");
  const end = async (): Promise<void> => {
    // With it ends the first process there, and with that one all others.
    child.kill("SIGKILL");
    await ended;
    await until("the cgroups of a system that has ended are empty", () => removeCgroup(cgroup));
    await directory[Symbol.asyncDispose]();
  };
  let pid: string | undefined;
  const tryRun = (program: string, ...args: readonly string[]): Promise<ProcessResult> =>
    run(
      "nsenter",
      ["--target", pid!, "--all", "--root", "--", "env", "-C", "/opt/membrane", program, ...args],
      {
        env: {
          PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
          HOME: "/root",
          LANG: "C.UTF-8",
        },
      },
    );
  const runThere = async (program: string, ...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await tryRun(program, ...args);
    if (code !== 0) {
      const journal = await tryRun("journalctl", "--lines=50", "--output=cat", "--no-pager");
      throw new Error(`${program} ${args.join(" ")}: ${code}\n${stdout}${stderr}\n${journal.stdout}`);
    }
    return stdout;
  };
  try {
    await until("systemd has started", async () => {
      if (child.exitCode !== null) throw new Error(`it ended: ${Buffer.concat(output).toString()}`);
      pid ??= await firstProcess(child.pid!);
      if (pid === undefined) return false;
      const { stdout } = await tryRun("systemctl", "is-active", "test.target");
      return stdout === "active\n";
    });
  } catch (error) {
    await end();
    throw error;
  }
  return {
    run: runThere,
    tryRun,
    script: (text) => runThere("bash", "-euo", "pipefail", "-c", text),
    path: (file) => join(`/proc/${pid}/root`, file),
    [Symbol.asyncDispose]: end,
  };
}

/** Where the cgroups of version 2 are, which systemd can use without controllers too. */
async function cgroupRoot(): Promise<string> {
  const mounts = await readFile("/proc/mounts", "utf8");
  const path = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  if (path === undefined) throw new Error("this machine has no cgroups of version 2");
  return path;
}

/** The process that `unshare` has started, once it is systemd. */
async function firstProcess(unshare: number): Promise<string | undefined> {
  const children = await readFile(`/proc/${unshare}/task/${unshare}/children`, "utf8").catch(() => "");
  const pid = children.trim();
  const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
  return name === "systemd\n" ? pid : undefined;
}

/** Removes a cgroup with those below it. @returns whether nothing is in them any more. */
async function removeCgroup(path: string): Promise<boolean> {
  const { stdout } = await run("find", [path, "-depth", "-type", "d"], { env: process.env });
  for (const cgroup of stdout.trim().split("\n")) {
    const isGone = await rmdir(cgroup).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code === "ENOENT",
    );
    if (!isGone) return false;
  }
  return true;
}
