import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../../../testkit/src/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** Runs `npm start` like a supervisor, which knows only the process id of npm. */
function startNpm(data: string): ChildProcess {
  const args = ["start", "--silent", "--", "--data", data, "--listen", "127.0.0.1:0"];
  return spawn("npm", [...args, "--authority", "membrane.test", "--no-tls"], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, MEMBRANE_PROFILE: "false" },
    // A separate process group, so that a failed test leaves no process.
    detached: true,
  });
}

/** Returns the command line of a process, or an empty text when it has ended. */
async function commandOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return line.replaceAll("\0", " ");
}

/** Finds the service process among npm's descendants, which may have a shell in between. */
async function serviceBelow(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  for (const child of text.trim().split(" ").filter(Boolean).map(Number)) {
    if (/^node .*membrane\.js serve/.test(await commandOf(child))) return child;
    const below = await serviceBelow(child);
    if (below !== undefined) return below;
  }
  return undefined;
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "%s to npm alone ends the service that npm start started, and leaves no orphan process",
  async (signal) => {
    await using directory = await temporaryDirectory();
    const npm = startNpm(directory.path);
    const exited = once(npm, "exit");
    try {
      const lines = createInterface({ input: npm.stderr! });
      const seen: string[] = [];
      for await (const line of lines) {
        seen.push(line);
        if (line.includes('"msg":"ready"')) break;
      }
      expect(seen.at(-1)).toContain('"msg":"ready"');
      npm.stderr!.resume();
      const service = await serviceBelow(npm.pid!);
      expect(service).toBeDefined();
      npm.kill(signal);
      await exited;
      await expect.poll(() => commandOf(service!)).toBe("");
    } finally {
      endGroup(npm.pid!);
    }
  },
);

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // No process is left.
  }
}
