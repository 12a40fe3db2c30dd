import { constants, fstatSync, openSync, writeSync } from "node:fs";
import { hasCode } from "../error-code.ts";
import { createLogSink } from "./log-sink.ts";
import { formatLine } from "./logger.ts";
import type { LogSink, WriteResult } from "./log-sink.ts";

/**
 * Opens a descriptor for log lines so that no write blocks: a blocking write to a pipe or terminal that is not read would
 * stop the service.
 *
 * @param descriptor one with which the process was started.
 * @param unblock makes the descriptor itself non-blocking, for sockets, which cannot be reopened.
 */
export function openDescriptorSink(descriptor: number, unblock: () => void): LogSink {
  const target = reopen(descriptor, unblock);
  return createLogSink({
    write: (bytes) => writeOnce(target, bytes),
    describeLoss: (lines) => formatLine("warn", { lost: lines }, "log lines lost", new Date()),
    schedule: (act, ms) => void setTimeout(act, ms).unref(),
  });
}

/** Reopens a pipe or terminal. A file keeps its descriptor, since a new one would overwrite what other processes append. */
function reopen(descriptor: number, unblock: () => void): number {
  try {
    const status = fstatSync(descriptor);
    if (status.isFile()) return descriptor;
    // The non-blocking mode belongs to the open file description, which other processes share; a new one is not shared.
    if (!status.isSocket()) return openSync(`/proc/self/fd/${descriptor}`, REOPEN_FLAGS);
  } catch {
    // Another user's terminal, a pipe without a reader, a system without /proc, or a closed descriptor.
  }
  unblock();
  return descriptor;
}

const REOPEN_FLAGS = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

function writeOnce(descriptor: number, bytes: Buffer): WriteResult {
  try {
    return writeSync(descriptor, bytes);
  } catch (error) {
    return hasCode(error, "EAGAIN") ? "busy" : "failed";
  }
}
