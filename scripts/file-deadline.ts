import { readFileSync, readdirSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";
import { nameOf } from "./running-tests.ts";
import type { RunningTests } from "./running-tests.ts";

/** Longest time for a test file, in milliseconds; the slowest takes two minutes on two idle cores. */
const FILE_DEADLINE_MS = 15 * 60_000;

/**
 * Ends a run in which a test file does not end. It names the file and the test, and shows what the processes wait for.
 *
 * The time limits of tests and hooks are timers in the process that runs them, so they do not fire while it waits for a lock or
 * loops, nor for code outside tests. vitest has no limit for a file.
 *
 * @param deadlineMs time for one file, from its start.
 */
export function fileDeadline(running: RunningTests, deadlineMs = FILE_DEADLINE_MS): Reporter {
  /** By the name of the file. */
  const timers = new Map<string, NodeJS.Timeout>();
  const forget = (module: TestModule): void => {
    clearTimeout(timers.get(nameOf(module)));
    timers.delete(nameOf(module));
  };
  return {
    onTestModuleQueued(module) {
      forget(module);
      const name = nameOf(module);
      const endRun = (): void => {
        console.error(
          `${name} did not end within ${deadlineMs / 1_000} s; test begun last: ${running.begunLast(name)}`,
        );
        for (const pid of childrenOf(process.pid)) endProcess(pid);
        process.exit(1);
      };
      timers.set(name, setTimeout(endRun, deadlineMs).unref());
    },
    onTestModuleEnd: forget,
  };
}

/** Shows where each thread of a process is in the kernel (proc(5)), then kills the process and all its descendants. */
function endProcess(pid: number): void {
  for (const child of childrenOf(pid)) endProcess(child);
  console.error(`process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll("\0", " ")}`);
  for (const thread of threadsOf(pid)) {
    const at = `/proc/${pid}/task/${thread}`;
    const state = /^State:\s*(.*)$/m.exec(read(`${at}/status`))?.[1];
    console.error(
      `  ${thread} ${read(`${at}/comm`)}: ${state}; ${read(`${at}/wchan`)}; system call ${read(`${at}/syscall`)}`,
    );
  }
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function threadsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return [];
  }
}

/** Returns an empty text if the process has ended or the system has no such file. */
function read(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
