// Tests are in no tsconfig of the package. This lets a linter that checks only this folder find Node's globals.
/// <reference types="node" />
import { fileURLToPath } from "node:url";
import { run } from "../../../testkit/src/run.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import type { Terminal } from "../../../testkit/src/pseudo-terminal.ts";
import { openTerminal } from "../../../testkit/src/pseudo-terminal.ts";

/** The built program: `npx tsc -b packages/cli` first. */
export const CAPI: string = fileURLToPath(new URL("../../bin/capi.js", import.meta.url));

/** Environment variables without this machine's settings, and with a separate home directory. */
export function environment(home: string): Record<string, string> {
  return { HOME: home, PATH: process.env["PATH"] ?? "", TERM: "xterm" };
}

/** Runs `capi` without a terminal until it ends. */
export async function runCapi(home: string, args: readonly string[]): Promise<ProcessResult> {
  return run(process.execPath, [CAPI, ...args], { env: environment(home) });
}

/**
 * Runs `capi` in a separate terminal, from a shell that then prints its exit code and whether the terminal's settings are as
 * before. `fg` continues it when it is stopped.
 */
export function openCapi(home: string, args: readonly string[]): Terminal {
  const script = `
    set -m
    before=$(stty -g)
    "$@"
    code=$?
    if [ "$(jobs -s)" ]; then echo stopped; fg; code=$?; fi
    echo "exit code $code"
    [ "$(stty -g)" = "$before" ] && echo "terminal as before"
  `;
  return openTerminal("bash", ["-c", script, "bash", process.execPath, CAPI, ...args], environment(home));
}
