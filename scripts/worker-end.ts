import { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import type { Reporter } from "vitest/node";
import { nameOf } from "./running-tests.ts";
import type { RunningTests } from "./running-tests.ts";

/** The program that vitest runs in the processes of tests. */
const WORKER_PROGRAM = /\/vitest\/dist\/workers\/forks\.js$/;

/**
 * Says how a process of tests ended that vitest had not stopped, which test files ran then, and which of them did not end.
 *
 * vitest says only that a process ended: not which one, nor its exit code or signal, nor the file that it ran.
 */
export function workerEnd(running: RunningTests): Reporter {
  /** The test files that have not ended. */
  const left = new Set<string>();
  let hasLostWorker = false;
  const show = (heading: string, names: Iterable<string>): void => {
    const lines = Array.from(names, (name) => `\n  ${name}; test begun last: ${running.begunLast(name)}`);
    console.error(heading + lines.join(""));
  };
  const onExit = (child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void => {
    // vitest kills a process with which it is done, and one to which it cannot write any more: that may have ended before.
    const isStopped = child.killed && (signal === "SIGTERM" || signal === "SIGKILL");
    if (isStopped || !child.spawnargs.some((word) => WORKER_PROGRAM.test(word))) return;
    hasLostWorker = true;
    show(
      `A process of tests ended unexpectedly: process ${child.pid}, code ${code}, signal ${signal}. Running:`,
      running.names(),
    );
  };
  return {
    onInit() {
      subscribe("child_process", (message) => {
        const child = startedProcess(message);
        child?.once("exit", (code, signal) => onExit(child, code, signal));
      });
    },
    onTestRunStart: (specifications) => specifications.forEach((file) => left.add(nameOf(file))),
    onTestModuleEnd: (module) => void left.delete(nameOf(module)),
    onTestRunEnd() {
      if (hasLostWorker) show("Test files that did not end:", left);
    },
  };
}

/** @param message what Node publishes for each process that this one starts. */
function startedProcess(message: unknown): ChildProcess | undefined {
  const isMessage = typeof message === "object" && message !== null && "process" in message;
  return isMessage && message.process instanceof ChildProcess ? message.process : undefined;
}
