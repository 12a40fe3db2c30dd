// Tests belong to no tsconfig of the package: a linter that is given this folder alone finds Node's globals here.
/// <reference types="node" />
import { fileURLToPath } from "node:url";
import { run } from "../../../testkit/src/run.ts";
import type { ProcessResult } from "../../../testkit/src/run.ts";
import type { Terminal } from "./terminal.ts";
import { openTerminal } from "./terminal.ts";

/** The built program: `npx tsc -b packages/cli` first. */
export const CAPI: string = fileURLToPath(new URL("../../bin/capi.js", import.meta.url));

/** Nothing of this machine's settings, and a home directory of the test's own. */
export function environment(home: string): Record<string, string> {
  return { HOME: home, PATH: process.env["PATH"] ?? "", TERM: "xterm" };
}

/** Runs `capi` to its end, without a terminal. */
export async function runCapi(home: string, args: readonly string[]): Promise<ProcessResult> {
  return run(process.execPath, [CAPI, ...args], { env: environment(home) });
}

/**
 * Runs `capi` in a terminal of its own, from a shell that says afterwards how it ended and whether the terminal is set
 * as it was before. `fg` brings it back when it is stopped.
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
