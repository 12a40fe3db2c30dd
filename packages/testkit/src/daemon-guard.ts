import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";

/** A process that this one has started and that does not end with it, and the directory that it works in. */
export interface Daemon {
  readonly directory: string;
  /** Where its process id is, in the first line. */
  readonly pidFile: string;
}

/** Ends with its channel to the test process, however that ends, and takes all daemons that are left and their files with it. */
const SCRIPT = `
import { readFileSync, rmSync } from "node:fs";
const daemons = new Map();
process.on("message", ({ daemon, isRunning }) => {
  if (isRunning) daemons.set(daemon.directory, daemon);
  else daemons.delete(daemon.directory);
});
process.on("disconnect", () => {
  for (const { directory, pidFile } of daemons.values()) {
    try {
      const pid = Number.parseInt(readFileSync(pidFile, "utf8"), 10);
      process.kill(pid, "SIGQUIT");
      process.kill(pid, "SIGCONT");
    } catch {}
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
});
`;

let guard: ChildProcess | undefined;

/** Ends a daemon and removes its directory if this process ends before {@link releaseDaemon}. */
export function guardDaemon(daemon: Daemon): void {
  if (guard === undefined) {
    guard = spawn(process.execPath, ["--input-type=module", "-e", SCRIPT], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    guard.unref();
    guard.channel?.unref();
  }
  guard.send({ daemon, isRunning: true });
}

/** Of a daemon that has ended, and whose directory is gone. */
export function releaseDaemon(daemon: Daemon): void {
  guard?.send({ daemon, isRunning: false });
}
